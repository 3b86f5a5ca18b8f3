"""Accuracy, robustness and expected average overlap of the supervised VOT challenges, 2016 to 2019.

A tracker is started on the first frame; where it loses the object, it is started again five frames later.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.evaluation.overlap import Overlaps, Regions, polygon_overlaps

Floats = NDArray[np.float64]

RESTART_AFTER = 5  # frames between a failure and the next start
BURN_IN = 10  # frames from a start on that do not count for accuracy
USUAL_INTERVAL = (100, 356)
INTERVALS = {  # sequence lengths [low, high) over which the expected overlap is averaged
    "VOT2016": USUAL_INTERVAL,  # as SiamMask's figures were made
    "VOT2016-toolkit": (108, 371),  # as the VOT2016 challenge's own were made
    "VOT2017": USUAL_INTERVAL,
    "VOT2018": USUAL_INTERVAL,
    "VOT2019": (46, 291),
}


class Kind(IntEnum):
    """What a line of a VOT result file says about its frame."""

    SKIPPED = 0
    STARTED = 1
    FAILED = 2
    TRACKED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """One run through a sequence of N frames."""

    kinds: NDArray[np.int8]  # (N,) of Kind
    regions: Regions  # (N, M, 2) polygons; NaN where the frame was not tracked


@dataclass(frozen=True, slots=True, eq=False)
class VotTruth:
    """The ground truth of a sequence of N frames."""

    regions: Regions  # (N, M, 2)
    size: tuple[int, int]  # width, height
    tags: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)  # (N,) for each attribute


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One run of a sequence of N frames beside its truth; NaN where the frame was not tracked."""

    kinds: NDArray[np.int8]  # (N,) of Kind
    overlaps: Overlaps  # (N,) inside the frame, for accuracy
    inner_overlaps: Overlaps  # (N,) inside the frame less its last row and column, for the expected overlap
    tags: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)  # (N,) for each attribute

    @classmethod
    def of(cls, truth: VotTruth, run: Trajectory) -> "Measured":
        width, height = truth.size
        overlaps = polygon_overlaps(run.regions, truth.regions, (width, height))
        inner = polygon_overlaps(run.regions, truth.regions, (width - 1, height - 1))
        return cls(run.kinds, overlaps, inner, truth.tags)

    @property
    def failures(self) -> list[int]:
        """The frames where the object was lost."""
        return [int(frame) for frame in np.flatnonzero(self.kinds == Kind.FAILED)]

    @property
    def counted(self) -> Overlaps:
        """(N,) overlaps; NaN also in the burn-in frames, which do not count for accuracy."""
        overlaps = self.overlaps.copy()
        for start in np.flatnonzero(self.kinds == Kind.STARTED):
            overlaps[start : start + BURN_IN] = np.nan
        return overlaps


@dataclass(frozen=True, slots=True, eq=False)
class SequenceScore:
    """How one sequence went."""

    name: str
    accuracy: float  # mean overlap in [0, 1]; NaN if no frame counts
    lost: float  # failures, mean over the repetitions
    runs: tuple[Measured, ...]

    @property
    def frames(self) -> int:
        return len(self.runs[0].kinds)


@dataclass(frozen=True, slots=True, eq=False)
class VotScore:
    """What the challenge reports of a tracker."""

    accuracy: float
    robustness: float  # failures per 100 frames
    lost: float  # failures, mean over the repetitions
    eao: float  # NaN where no sequence is as long as the interval's low end
    interval: tuple[int, int]
    curve: Floats  # (L,) expected overlap of sequences of length 1 to L
    attribute_eao: dict[str, float]
    sequences: tuple[SequenceScore, ...]


def score(runs: Mapping[str, Sequence[Measured]], interval: tuple[int, int]) -> VotScore:
    """Scores one tracker's runs, one or more for each sequence."""
    sequences = tuple(_score_sequence(name, tuple(each)) for name, each in runs.items())
    lost = sum(each.lost for each in sequences)
    fragments = [part for each in sequences for run in each.runs for part in _fragments(run, len(each.runs))]
    longest = max(each.frames for each in sequences)
    curve = expected_overlap(fragments, longest)
    return VotScore(
        accuracy=_mean(np.concatenate([_counted(each.runs) for each in sequences])),
        robustness=100 * lost / sum(each.frames for each in sequences),
        lost=lost,
        eao=interval_mean(curve, interval),
        interval=interval,
        curve=curve,
        attribute_eao=_attribute_eao(fragments, longest, interval),
        sequences=sequences,
    )


def _score_sequence(name: str, runs: tuple[Measured, ...]) -> SequenceScore:
    lost = float(np.mean([len(run.failures) for run in runs]))
    return SequenceScore(name, _mean(_counted(runs)), lost, runs)


def _counted(runs: tuple[Measured, ...]) -> Overlaps:
    """(N,) the mean over the repetitions that have a value; NaN where none has."""
    overlaps = np.stack([run.counted for run in runs])  # (R, N)
    known = np.isfinite(overlaps)
    counts = known.sum(axis=0)
    return np.where(counts > 0, np.where(known, overlaps, 0).sum(axis=0) / np.maximum(counts, 1), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """A run from a start to the failure that ended it, or to the end of the sequence."""

    overlaps: Overlaps  # (L,) from the start on
    failed: bool  # then the overlap stays 0 for ever; else what would have come is unknown
    weight: float
    tags: Mapping[str, float]  # share of the fragment's frames that have the attribute


def _fragments(run: Measured, repetitions: int) -> Iterator[Fragment]:
    overlaps = np.nan_to_num(run.inner_overlaps, nan=0.0)
    starts = [0, *(failure + RESTART_AFTER for failure in run.failures)]
    starts = [start for start in starts if start <= len(overlaps)]
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        part = slice(start, None if following is None else following + 1)
        tags = {name: float(tag[part].mean()) for name, tag in run.tags.items() if len(tag[part])}
        yield Fragment(overlaps[part], following is not None, 1 / repetitions, tags)


def expected_overlap(fragments: Sequence[Fragment], length: int, attribute: str | None = None) -> Floats:
    """The mean overlap (L,) that sequences of length 1 to L may expect; or that of frames with an attribute.

    NaN for a length that no fragment with a weight tells anything about.
    """
    total, weights = np.zeros(length), np.zeros(length)
    for each in fragments:
        weight = each.weight * (1.0 if attribute is None else each.tags.get(attribute, 0.0))
        known = length if each.failed else len(each.overlaps)
        overlaps = np.zeros(known)
        overlaps[: len(each.overlaps)] = each.overlaps
        total[1:known] += weight * np.cumsum(overlaps[1:]) / np.arange(1, max(known, 1))
        weights[1:known] += weight
    curve = np.where(weights > 0, total / np.where(weights > 0, weights, 1), np.nan)
    curve[0] = 1.0
    return curve


def interval_mean(curve: Floats, interval: tuple[int, int]) -> float:
    """The mean of the expected overlap over lengths low to high; NaN if the curve ends before them."""
    low, high = interval
    return _mean(curve[low - 1 : high])


def _attribute_eao(
    fragments: Sequence[Fragment], longest: int, interval: tuple[int, int]
) -> dict[str, float]:
    names = dict.fromkeys(name for each in fragments for name in each.tags)
    return {name: interval_mean(expected_overlap(fragments, longest, name), interval) for name in names}


def _mean(values: Floats) -> float:
    """The mean of what is not NaN; NaN if nothing is left."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
