"""Validation while training: tracks held-out sequences from their first box, without any further truth."""

from collections.abc import Callable
from pathlib import Path

import torch

from s2iammask_core.data.annotations import Annotation, Video
from s2iammask_core.data.readers.davis import read_davis
from s2iammask_core.errors import ConfigError
from s2iammask_core.evaluation.davis import region_similarity
from s2iammask_core.files.pictures import read_picture
from s2iammask_core.model.network import SiameseNetwork
from s2iammask_core.tracking.track import Track
from s2iammask_core.tracking.tracker import Tracker
from s2iammask_core.training.settings import ValidationConfig


def held_out(config: ValidationConfig) -> Callable[[SiameseNetwork], dict[str, float]] | None:
    """A function from a network to mean J and mean box IoU, both in [0, 1]; None without held-out sequences.

    "score", by which the best epoch is chosen, is J where the network has masks, else the box IoU.
    """
    if not config.root:
        return None
    videos = [
        each
        for each in read_davis(Path(config.root)).videos
        if each.name in config.sequences or not config.sequences
    ]
    if missing := set(config.sequences) - {video.name for video in videos}:
        raise ConfigError(
            f"validation.sequences names what {config.root} has not: {', '.join(sorted(missing))}"
        )

    if not any(len(next(iter(each.tracks.values()))) > config.every for each in videos):
        raise ConfigError(f"validation.every {config.every} leaves no frame of {config.root} to be tracked")

    def validate(network: SiameseNetwork) -> dict[str, float]:
        device = network.device.type
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            frames = [row for video in videos for row in _overlaps(Tracker.of(network), video, config.every)]
        j, iou = (sum(column) / len(frames) for column in zip(*frames, strict=True))
        masks = network.mask_source != "none"
        return {"score": j if masks else iou, "box_iou": iou, **({"j": j} if masks else {})}

    return validate


def _overlaps(tracker: Tracker, video: Video, every: int) -> list[tuple[float, float]]:
    """(J, box IoU) of each tracked frame of a video's first object."""
    annotations = next(iter(video.tracks.values()))
    first, *later = list(annotations)[::every]
    tracker.start(read_picture(video.frames[first]), [annotations[first].box])
    return [
        _overlap(tracker.track(read_picture(video.frames[index]))[0], annotations[index]) for index in later
    ]


def _overlap(track: Track, truth: Annotation) -> tuple[float, float]:
    if truth.mask is None:
        return 0.0, track.box.iou(truth.box)
    mask = truth.mask.load()
    return region_similarity(mask, track.mask.full(*mask.shape)), track.box.iou(truth.box)
