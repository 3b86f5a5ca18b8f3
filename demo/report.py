"""What came of a demo: the figures of report.json and the contact sheet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.evaluation.davis import region_similarity
from s2iammask_core.files.clips import open_clip
from s2iammask_core.files.pictures import write_picture
from s2iammask_core.tracking.track import MaskRegion

TILES = (2, 4)  # rows and columns of the contact sheet
TILE_WIDTH = 480  # pixels
SECOND = 1e9  # nanoseconds
CAPTION = 24  # height of the strip below, pixels


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the tracker said about one image."""

    latency: float  # seconds from the image's stamp to the arrival of its tracks
    arrival: float  # seconds on a monotonic clock
    confidence: float
    mask: MaskRegion
    size: tuple[int, int]  # (H, W) of the image


@dataclass(frozen=True, slots=True)
class Report:
    """report.json."""

    frames_published: int
    frames_tracked: int
    dropped: int  # those for which the tracker had no time, and those lost on the way to it
    camera_hz: float  # at which they were published
    fps: float  # at which answers came
    latency_ms_p50: float
    latency_ms_p95: float
    mean_confidence: float
    mean_iou: float | None  # None without known truth
    device: str
    weights: str


def make_report(
    published: Sequence[int],
    sightings: Mapping[int, Sighting],
    truth: Sequence[NDArray[np.bool_]] | None,
    device: str,
    weights: str,
) -> Report:
    """published: stamps in order; sightings by stamp; truth: one mask for each published image."""
    seen = [sightings[stamp] for stamp in published if stamp in sightings]
    arrivals, latencies = [each.arrival for each in seen], [each.latency for each in seen] or [float("nan")]
    ious = overlaps(published, sightings, truth) if truth is not None else {}
    p50, p95 = np.percentile(np.array(latencies) * 1000, [50, 95])
    return Report(
        frames_published=len(published),
        frames_tracked=len(seen),
        dropped=len(published) - len(seen),
        camera_hz=rate_of([stamp / SECOND for stamp in published]),
        fps=rate_of(arrivals),
        latency_ms_p50=round(float(p50), 1),
        latency_ms_p95=round(float(p95), 1),
        mean_confidence=round(float(np.mean([each.confidence for each in seen] or [0.0])), 4),
        mean_iou=round(float(np.mean(list(ious.values()) or [0.0])), 4) if truth is not None else None,
        device=device,
        weights=weights,
    )


def rate_of(times: Sequence[float]) -> float:
    """Events a second, of their times in order; 0 for a single one."""
    span = times[-1] - times[0] if times else 0.0
    return round((len(times) - 1) / span, 2) if span else 0.0


def overlaps(
    published: Sequence[int], sightings: Mapping[int, Sighting], truth: Sequence[NDArray[np.bool_]]
) -> dict[int, float]:
    """Intersection over union of each tracked image's mask with the truth, by the image's number."""
    return {
        number: region_similarity(mask, sightings[stamp].mask.full(*mask.shape))
        for number, (stamp, mask) in enumerate(zip(published, truth, strict=True))
        if stamp in sightings
    }


def write_overview(video: Path, picture: Path, ious: Mapping[int, float]) -> None:
    """A contact sheet of frames of a video, evenly spread, with their overlap with the truth if known."""
    count = open_clip(str(video)).count or 1
    wanted = np.linspace(0, count - 1, TILES[0] * TILES[1]).round().astype(int).tolist()
    frames = {number: frame for number, frame in enumerate(open_clip(str(video))) if number in wanted}
    tiles = [tile(frames[number], caption(number, ious)) for number in wanted if number in frames]
    tiles += [np.zeros_like(tiles[0])] * (TILES[0] * TILES[1] - len(tiles))
    rows = [np.hstack(tiles[row * TILES[1] : (row + 1) * TILES[1]]) for row in range(TILES[0])]
    write_picture(picture, np.vstack(rows))


def caption(number: int, ious: Mapping[int, float]) -> str:
    return f"frame {number}, IoU {ious[number]:.2f}" if number in ious else f"frame {number}"


def tile(frame: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    height = round(frame.shape[0] * TILE_WIDTH / frame.shape[1])
    small = cv2.resize(frame, (TILE_WIDTH, height), interpolation=cv2.INTER_AREA)
    strip = np.zeros((CAPTION, TILE_WIDTH, 3), np.uint8)
    place, white = (8, CAPTION * 2 // 3), (255, 255, 255)
    cv2.putText(strip, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, white, 1, cv2.LINE_AA)
    return np.vstack([small, strip])


def write_report(report: Report, path: Path) -> None:
    path.write_text(json.dumps(asdict(report), indent=2) + "\n")
