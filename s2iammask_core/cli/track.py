"""Track objects through a video, a folder of frames or a camera, from their boxes in the first frame."""

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from tqdm import tqdm

from s2iammask_core import load_tracker
from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.errors import ConfigError, VideoError
from s2iammask_core.geometry import HostFrame
from s2iammask_core.overlay import draw_tracks, label_image
from s2iammask_core.tracking.regions import NO_MASK
from s2iammask_core.tracking.track import Track, TrackState
from s2iammask_core.tracking.tracker import Tracker
from s2iammask_core.video import Clip, VideoWriter, open_clip, write_picture

COLUMNS = [
    "frame", "id", "state", "confidence", "score", "agreement", "fit",
    "x", "y", "width", "height", "cx", "cy", "rotated_width", "rotated_height", "theta",
]  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", help="video file, folder of frames, or number of a camera")
    parser.add_argument(
        "--box",
        action="append",
        required=True,
        metavar="X,Y,W,H",
        help="an object in the first frame; may be repeated",
    )
    parser.add_argument("--out", type=Path, metavar="MP4", help="video with the tracks drawn on it")
    parser.add_argument(
        "--masks", type=Path, metavar="DIR", help="label images: k where the k-th object is, else 0"
    )
    parser.add_argument(
        "--boxes", type=Path, metavar="CSV", help="boxes, states and confidences of all frames"
    )
    parser.add_argument("--frames", type=int, metavar="N", help="stop after N frames")
    parser.add_argument("--json", action="store_true", help="print the summary as one json object")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    if args.frames is not None and args.frames < 1:
        raise ConfigError(f"--frames must be at least 1, got {args.frames}")
    boxes = [Box.from_text(text) for text in args.box]
    config, runtime = chosen_settings(args)
    clip = open_clip(args.video)
    tracker = load_tracker(args.weights, config=config, runtime=runtime)
    summary = Summary(clip.name)
    with suppress(KeyboardInterrupt), ExitStack() as stack:  # Ctrl-C is how a camera's clip ends
        sinks = [stack.enter_context(sink) for sink in _sinks(args, clip)]
        track_clip(tracker, clip, boxes, sinks, summary, args.frames)
    print(json.dumps(summary.record()) if args.json else summary.text())
    return 0


class Sink(Protocol):
    """Takes each frame of a clip with its tracks."""

    def __call__(self, number: int, frame: HostFrame, tracks: Sequence[Track]) -> None: ...


@dataclass
class Summary:
    """What happened in a run."""

    source: str
    frames: int = 0
    seconds: float = 0.0  # spent in the tracker
    confidences: list[float] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=lambda: {state.value: 0 for state in TrackState})

    def add(self, tracks: Sequence[Track], seconds: float) -> None:
        self.frames += 1
        self.seconds += seconds
        self.confidences += [track.confidence for track in tracks]
        for track in tracks:
            self.states[track.state.value] += 1

    def record(self) -> dict[str, object]:
        rate = self.frames / self.seconds if self.seconds else 0.0
        mean = sum(self.confidences) / max(len(self.confidences), 1)
        figures = {"frames_tracked": self.frames, "fps": round(rate, 2), "mean_confidence": round(mean, 4)}
        return {"source": self.source, **figures, "states": self.states}

    def text(self) -> str:
        record = self.record()
        states = ", ".join(f"{count} {name}" for name, count in self.states.items() if count)
        return (
            f"{record['frames_tracked']} frames tracked at {record['fps']} frames/s, "
            f"mean confidence {record['mean_confidence']}: {states or 'no tracks'}"
        )


def track_clip(
    tracker: Tracker,
    clip: Clip,
    boxes: Sequence[Box],
    sinks: Sequence[Sink],
    summary: Summary,
    limit: int | None = None,
) -> None:
    """Starts on the first frame, tracks through the others, and hands every frame to the sinks."""
    total = clip.count if limit is None else limit
    for number, frame in enumerate(tqdm(islice(clip, limit), total=total, unit="frame", file=sys.stderr)):
        if number == 0:
            ids = tracker.start(frame, boxes)
            tracks = [_given(id_, box) for id_, box in zip(ids, boxes, strict=True)]
        else:
            begin = time.perf_counter()
            tracks = tracker.track(frame)
            summary.add(tracks, time.perf_counter() - begin)
        for sink in sinks:
            sink(number, frame, tracks)


def _given(id_: int, box: Box) -> Track:
    """The answer for the first frame: what was given."""
    return Track(id_, TrackState.TRACKING, 1.0, 1.0, 1.0, box, RotatedBox.from_box(box), NO_MASK)


def _sinks(args: argparse.Namespace, clip: Clip) -> list[AbstractContextManager[Sink]]:
    sinks: list[AbstractContextManager[Sink]] = []
    if args.out:
        sinks.append(_overlay_sink(args.out, clip.rate))
    if args.masks:
        sinks.append(_mask_sink(args.masks))
    if args.boxes:
        sinks.append(_box_sink(args.boxes))
    return sinks


@contextmanager
def _overlay_sink(path: Path, rate: float) -> Iterator[Sink]:
    with VideoWriter(path, rate) as writer:
        yield lambda _, frame, tracks: writer.write(draw_tracks(frame, tracks))


@contextmanager
def _mask_sink(folder: Path) -> Iterator[Sink]:
    """Label images of the tracked frames; the first frame has a box and no mask."""
    folder.mkdir(parents=True, exist_ok=True)

    def write(number: int, frame: HostFrame, tracks: Sequence[Track]) -> None:
        if number > 0:
            write_picture(folder / f"{number:06d}.png", label_image(tracks, frame.shape[:2]))

    yield write


@contextmanager
def _box_sink(path: Path) -> Iterator[Sink]:
    try:
        file = path.open("w", newline="")
    except OSError as error:
        raise VideoError(f"cannot write the boxes to {path}: {error}") from error
    with file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        yield lambda number, _, tracks: table.writerows(_row(number, track) for track in tracks)


def _row(number: int, track: Track) -> list[object]:
    rotated = track.rotated_box
    figures = [
        *(track.confidence, track.score, track.agreement, track.fit, *track.box.xywh),
        *(rotated.cx, rotated.cy, rotated.width, rotated.height, rotated.theta),
    ]
    return [number, track.id, track.state.value, *(f"{value:.4f}" for value in figures)]
