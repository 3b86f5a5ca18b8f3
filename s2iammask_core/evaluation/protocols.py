"""How a tracker is run: supervised (VOT), one-pass (OTB), and with masks (DAVIS, YouTube-VOS).

Here, and nowhere in the tracker, is the ground truth known: to start from, and to declare failure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from s2iammask_core.boxes import Box, Points
from s2iammask_core.evaluation.overlap import polygon_overlap
from s2iammask_core.evaluation.results.vot import Answer
from s2iammask_core.evaluation.sequences.masks import Labels, MaskSequence, ObjectSpan
from s2iammask_core.evaluation.sequences.otb import BoxSequence
from s2iammask_core.evaluation.sequences.regions import from_box, to_box, to_region, to_target
from s2iammask_core.evaluation.sequences.vot import VotSequence
from s2iammask_core.evaluation.vot import RESTART_AFTER, Kind
from s2iammask_core.geometry import HostFrame
from s2iammask_core.overlay import id_image
from s2iammask_core.tracking.track import Mask, Track

StartFrom = Literal["mask", "box"]


class Runnable(Protocol):
    """What is evaluated: the tracker, or anything else with its three verbs."""

    def start(
        self, frame: HostFrame, targets: Sequence[Box | Points | Mask], ids: Sequence[int] | None = None
    ) -> list[int]: ...

    def track(self, frame: HostFrame) -> list[Track]: ...

    def stop(self, ids: Sequence[int] | None = None) -> None: ...


def supervised(tracker: Runnable, sequence: VotSequence) -> Iterator[Answer]:
    """Restarts the tracker five frames after each failure: a region that has nothing of the object."""
    truth, start_at = sequence.truth, 0
    for index, expected in enumerate(truth.regions):
        if index < start_at or (index == start_at and np.isnan(expected).any()):
            start_at = max(start_at, index + 1)
            yield Kind.SKIPPED
        elif index == start_at:
            tracker.start(sequence.frames.read(index), [to_target(expected)])
            yield Kind.STARTED
        else:
            (track,) = tracker.track(sequence.frames.read(index))
            region = to_region(track.rotated_box)
            failed = polygon_overlap(region, expected, truth.size) == 0
            if failed:
                tracker.stop()
                start_at = index + RESTART_AFTER
            yield Kind.FAILED if failed else region


def one_pass(tracker: Runnable, sequence: BoxSequence) -> Iterator[list[float]]:
    """Starts on the first box and never again; boxes x y width height as the benchmark writes them."""
    first = to_box(sequence.boxes[0], sequence.first_pixel)
    tracker.start(sequence.frames.read(0), [first])
    yield from_box(first, sequence.first_pixel)
    for index in range(1, len(sequence.frames)):
        (track,) = tracker.track(sequence.frames.read(index))
        yield from_box(track.box, sequence.first_pixel)


@dataclass(frozen=True, slots=True, eq=False)
class Propagated:
    """What a tracker says in one frame."""

    index: int
    labels: Labels  # (H, W), with what it is told of the objects that start here
    tracks: Sequence[Track]  # of the objects that started before, by their ids


def propagate(
    tracker: Runnable, sequence: MaskSequence, start_from: StartFrom
) -> Iterator[tuple[str, Labels]]:
    """The name and the label image of each frame."""
    for each in propagated(tracker, sequence, start_from):
        yield sequence.frames.name(each.index), each.labels


def propagated(tracker: Runnable, sequence: MaskSequence, start_from: StartFrom) -> Iterator[Propagated]:
    """Tracks all objects at once, each from its first frame to its last.

    With start_from "box" the tracker gets no more than the upright box around the first mask.
    """
    for index in range(len(sequence.frames)):
        frame = sequence.frames.read(index)
        tracks = tracker.track(frame)
        labels = id_image(tracks, (frame.shape[0], frame.shape[1]))
        starting = sequence.starting(index)
        if starting:
            given = _given(sequence.given(index, frame), starting, start_from)
            labels = np.where(given > 0, given, labels)
            targets = [_target(given == each.object_id, start_from) for each in starting]
            tracker.start(frame, targets, [each.object_id for each in starting])
        ended = [each.object_id for each in sequence.objects if each.last == index]
        if ended:
            tracker.stop(ended)
        yield Propagated(index, labels, tracks)


def first_boxes(truth: Labels, ids: Sequence[int]) -> list[Mask | Box]:
    """The upright boxes around objects of a label image (H, W), to start from."""
    return [_target(truth == each, "box") for each in ids]


def _given(truth: Labels, starting: Sequence[ObjectSpan], start_from: StartFrom) -> Labels:
    """What the tracker is told of the starting objects, as a label image (H, W)."""
    given = np.zeros_like(truth)
    for each in starting:
        rows, columns = np.nonzero(truth == each.object_id)
        if start_from == "mask" or not len(rows):
            given[rows, columns] = each.object_id
        else:
            given[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = each.object_id
    return given


def _target(mask: Mask, start_from: StartFrom) -> Mask | Box:
    return mask if start_from == "mask" or not mask.any() else mask_box(mask)


def mask_box(mask: Mask) -> Box:
    """The upright box around a mask (H, W) of at least one pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
