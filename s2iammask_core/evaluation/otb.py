"""Success and precision of the one-pass evaluation of OTB (Wu et al. 2013)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.evaluation.overlap import box_overlaps

Floats = NDArray[np.float64]

OVERLAP_THRESHOLDS = np.linspace(0, 1, 21)
DISTANCE_THRESHOLDS = np.arange(51)  # pixels
PRECISION_AT = 20  # pixels


@dataclass(frozen=True, slots=True, eq=False)
class SequenceScore:
    """How one sequence of N frames went."""

    name: str
    overlaps: Floats  # (N,), in [0, 1]; -1 where the truth has no box
    distances: Floats  # (N,) pixels between the centres; infinite where the truth has no box

    @property
    def success(self) -> Floats:
        """(21,) the share of the frames whose overlap is above each threshold."""
        return np.asarray((self.overlaps[:, None] > OVERLAP_THRESHOLDS).mean(axis=0))

    @property
    def iou(self) -> float:
        """The mean overlap of the frames after the first, where the truth has a box; NaN if it never has."""
        later = self.overlaps[1:]
        return float(later[later >= 0].mean()) if (later >= 0).any() else math.nan

    @property
    def precision(self) -> Floats:
        """(51,) the share of the frames whose centre is at most so many pixels off."""
        return np.asarray((self.distances[:, None] <= DISTANCE_THRESHOLDS).mean(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class OtbScore:
    """Means over the sequences."""

    auc: float  # area under the success curve, in [0, 1]
    precision: float  # at 20 pixels, in [0, 1]
    iou: float  # overlap after the first frame, in [0, 1]; NaN if no sequence has another
    success_curve: Floats  # (21,)
    precision_curve: Floats  # (51,)
    sequences: tuple[SequenceScore, ...]


def score(truths: Mapping[str, Floats], answers: Mapping[str, Floats]) -> OtbScore:
    """Scores boxes (N, 4) x y width height for each sequence."""
    sequences = tuple(score_sequence(name, truth, answers[name]) for name, truth in truths.items())
    success = np.mean([each.success for each in sequences], axis=0)
    precision = np.mean([each.precision for each in sequences], axis=0)
    known = [each.iou for each in sequences if not math.isnan(each.iou)]
    return OtbScore(
        float(success.mean()),
        float(precision[PRECISION_AT]),
        float(np.mean(known)) if known else math.nan,
        success,
        precision,
        sequences,
    )


def has_box(truth: Floats) -> NDArray[np.bool_]:
    """(N,) where a truth (N, 4) has a box: its width and height are positive."""
    return np.asarray(np.isfinite(truth).all(axis=1) & (truth[:, 2:] > 0).all(axis=1))


def score_sequence(name: str, truth: Floats, answer: Floats) -> SequenceScore:
    """How one sequence went, by its truth and answer (N, 4)."""
    known = has_box(truth)
    centers = truth[:, :2] + truth[:, 2:] / 2 - answer[:, :2] - answer[:, 2:] / 2
    overlaps = np.where(known, box_overlaps(truth, answer), -1.0)
    return SequenceScore(name, overlaps, np.where(known, np.hypot(*centers.T), np.inf))
