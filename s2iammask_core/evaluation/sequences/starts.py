"""Runs through a sequence from several of its frames, forwards and backwards in time.

Each run is a sequence of its own, in which tracking begins with frame 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.errors import ConfigError
from s2iammask_core.evaluation.otb import has_box
from s2iammask_core.evaluation.sequences.frames import ChosenFrames
from s2iammask_core.evaluation.sequences.masks import MaskSequence
from s2iammask_core.evaluation.sequences.otb import BoxSequence

Direction = Literal["forward", "backward"]
Bools = NDArray[np.bool_]
Areas = NDArray[np.float64]

SMALLEST = 100  # pixels that a run may start from
LEAST_SHARE = 0.25  # of the object's median area, for it may look out from behind something


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins, and which way it goes."""

    sequence: str
    frame: int  # index in the sequence
    direction: Direction

    @property
    def run(self) -> str:
        """What the run's results are called."""
        return f"{self.sequence}.{self.frame:05d}.{self.direction}"

    def order(self, frames: int) -> range:
        """The indices that a run comes by, in a sequence of so many frames."""
        return range(self.frame, frames) if self.direction == "forward" else range(self.frame, -1, -1)


@dataclass(frozen=True, slots=True)
class Starts:
    """How many starts a sequence has: evenly spread, the first frame among them.

    In reverse, the same again on the sequence played backwards.
    """

    count: int = 1
    reverse: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"starts must be 1 or more, got {self.count}")

    def __str__(self) -> str:
        ways = "forwards and backwards" if self.reverse else "forwards"
        return f"from {self.count} starts, {ways}"

    def of(self, sequence: str, frames: Sequence[int], usable: Bools) -> list[Start]:
        """Starts among the frames that have a truth, each in the nearest usable one (A,)."""
        known = np.flatnonzero(usable)
        if not len(known):
            return []
        wanted = np.linspace(0, len(frames), self.count, endpoint=False).astype(int)
        ways: list[tuple[Direction, NDArray[np.int64]]] = [("forward", wanted)]
        if self.reverse:
            ways.append(("backward", len(frames) - 1 - wanted))
        nearest = [(way, known[np.abs(known - place).argmin()]) for way, places in ways for place in places]
        return [Start(sequence, frames[place], way) for way, place in dict.fromkeys(nearest)]


def mask_runs(sequence: MaskSequence, starts: Starts) -> list[tuple[Start, MaskSequence]]:
    """In each run an object starts in the first frame that shows enough of it; one that never does is left
    out.
    """
    annotated = sorted(sequence.annotations)
    usable = _usable(_areas(sequence, annotated))  # (A, K)
    found = starts.of(sequence.name, annotated, np.asarray(usable.any(axis=1)))
    return [(start, _mask_run(sequence, start, annotated, usable)) for start in found]


def box_runs(sequence: BoxSequence, starts: Starts) -> list[tuple[Start, BoxSequence]]:
    """The same for the target of a sequence with boxes."""
    frames = range(len(sequence.frames))
    areas = np.where(has_box(sequence.boxes), sequence.boxes[:, 2:].prod(axis=1), 0.0)[:, None]
    found = starts.of(sequence.name, frames, _usable(areas)[:, 0])
    return [(start, _box_run(sequence, start)) for start in found]


def _usable(areas: Areas) -> Bools:
    """(A, K): where enough is seen of an object to start from it, by its areas (A, K) in the frames."""
    usual = np.array([np.median(each[each > 0]) if each.any() else 0.0 for each in areas.T])  # (K,)
    return np.asarray(areas >= np.maximum(SMALLEST, LEAST_SHARE * usual))


def _areas(sequence: MaskSequence, annotated: Sequence[int]) -> Areas:
    """(A, K): the pixels of each object in each annotated frame; 0 outside its span."""
    counts = [np.bincount(sequence.labels(index).ravel(), minlength=256) for index in annotated]
    ids = [each.object_id for each in sequence.objects]
    inside = [[each.first <= index <= each.last for each in sequence.objects] for index in annotated]
    return np.where(inside, np.array(counts, np.float64)[:, ids], 0.0)


def _mask_run(sequence: MaskSequence, start: Start, annotated: Sequence[int], usable: Bools) -> MaskSequence:
    order = start.order(len(sequence.frames))
    place = {index: number for number, index in enumerate(order)}
    objects = []
    for each, column in zip(sequence.objects, usable.T, strict=True):
        seen = [index for index, enough in zip(annotated, column, strict=True) if enough]
        begins = [place[index] for index in seen if index in place]
        ends = [place[index] for index in order if each.first <= index <= each.last]
        if begins:
            objects.append(replace(each, first=min(begins), last=max(ends)))
    return replace(
        sequence,
        frames=ChosenFrames(sequence.frames, tuple(order)),
        annotations={place[index]: sequence.annotations[index] for index in annotated if index in place},
        objects=tuple(objects),
    )


def _box_run(sequence: BoxSequence, start: Start) -> BoxSequence:
    order = start.order(len(sequence.frames))
    return replace(sequence, frames=ChosenFrames(sequence.frames, tuple(order)), boxes=sequence.boxes[order])
