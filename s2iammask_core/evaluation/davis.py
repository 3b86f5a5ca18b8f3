"""Region similarity J and boundary measure F of masks, and what DAVIS reports (Perazzi et al. 2016)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.evaluation.sequences.masks import Labels
from s2iammask_core.files.labels import VOID

Mask = NDArray[np.bool_]  # (H, W)
Floats = NDArray[np.float64]

BOUNDARY_TOLERANCE = 0.008  # in image diagonals


@dataclass(frozen=True, slots=True)
class Statistics:
    """One measure over the frames of an object."""

    mean: float
    recall: float  # share of the frames above 0.5
    decay: float  # mean of the first quarter less mean of the last

    @classmethod
    def of(cls, values: Floats) -> "Statistics":
        """From the values (N,) of the frames, N >= 1."""
        ends = np.round(np.linspace(1, len(values), 5) + 1e-10).astype(int) - 1  # quarters share their ends
        decay = values[: ends[1] + 1].mean() - values[ends[3] :].mean()
        return cls(float(values.mean()), float((values > 0.5).mean()), float(decay))

    @classmethod
    def mean_of(cls, parts: "list[Statistics]") -> "Statistics":
        """The mean over objects, of at least one."""
        rows = np.array([(each.mean, each.recall, each.decay) for each in parts])
        return cls(*rows.mean(axis=0).tolist())


@dataclass(frozen=True, slots=True, eq=False)
class ObjectScore:
    """J and F of one object in the frames that count."""

    sequence: str
    object_id: int
    frames: NDArray[np.int64]  # (N,) indices
    j: Floats  # (N,), in [0, 1]
    f: Floats  # (N,), in [0, 1]

    @property
    def j_statistics(self) -> Statistics:
        return Statistics.of(self.j)

    @property
    def f_statistics(self) -> Statistics:
        return Statistics.of(self.f)


@dataclass(frozen=True, slots=True, eq=False)
class DavisScore:
    """Means over all objects of all sequences."""

    j: Statistics
    f: Statistics
    objects: tuple[ObjectScore, ...]

    @property
    def j_and_f(self) -> float:
        return (self.j.mean + self.f.mean) / 2


def score(objects: tuple[ObjectScore, ...]) -> DavisScore:
    """What DAVIS reports, of at least one object."""
    j = Statistics.mean_of([each.j_statistics for each in objects])
    f = Statistics.mean_of([each.f_statistics for each in objects])
    return DavisScore(j, f, objects)


def by_sequence(objects: tuple[ObjectScore, ...]) -> Mapping[str, DavisScore]:
    """The same for each sequence."""
    names = dict.fromkeys(each.sequence for each in objects)
    return {name: score(tuple(each for each in objects if each.sequence == name)) for name in names}


def measures(truth: Labels, answer: Labels, object_id: int) -> tuple[float, float]:
    """J and F of one object in label images (H, W), outside the truth's void."""
    true, found = truth == object_id, outside_void(answer == object_id, truth)
    return region_similarity(true, found), boundary_measure(true, found)


def outside_void(answer: Mask, truth: Labels) -> Mask:
    """The answer without the pixels of which the truth does not know what they are."""
    return np.asarray(answer & (truth != VOID))


def region_similarity(truth: Mask, answer: Mask) -> float:
    """Intersection over union; 1 if both are empty."""
    union = np.count_nonzero(truth | answer)
    return np.count_nonzero(truth & answer) / union if union else 1.0


def boundary_measure(truth: Mask, answer: Mask) -> float:
    """Harmonic mean of precision and recall of the boundary pixels, within 0.008 image diagonals.

    Two empty boundaries agree fully; of one empty and one not, the measure is 0.
    """
    window = _window(truth | answer)
    radius = math.ceil(BOUNDARY_TOLERANCE * float(np.linalg.norm(truth.shape)))
    expected, found = boundary(truth)[window], boundary(answer)[window]
    expected_count, found_count = np.count_nonzero(expected), np.count_nonzero(found)
    if not expected_count or not found_count:
        return float(expected_count == found_count)
    precision = np.count_nonzero(found & grown(expected, radius)) / found_count
    recall = np.count_nonzero(expected & grown(found, radius)) / expected_count
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary(mask: Mask) -> Mask:
    """The pixels (H, W) that differ from the one to the right, below, or diagonally below to the right."""
    edges = np.zeros_like(mask)
    edges[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    edges[:-1] |= mask[:-1] ^ mask[1:]
    edges[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edges


def grown(mask: Mask, radius: int) -> Mask:
    """The pixels (H, W) that are at most radius pixels away from the mask."""
    steps = np.arange(-radius, radius + 1)
    disk = (steps[:, None] ** 2 + steps**2 <= radius**2).astype(np.uint8)
    return cv2.dilate(mask.view(np.uint8), disk).astype(np.bool_)


def _window(mask: Mask) -> tuple[slice, slice]:
    """The part of the image that holds the mask and, one pixel above and to the left of it, its boundary."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(max(rows[0] - 1, 0), rows[-1] + 1), slice(max(columns[0] - 1, 0), columns[-1] + 1)
