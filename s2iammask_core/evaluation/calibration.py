"""Calibration of the confidence: how often an answer of a given confidence is right (Guo et al. 2017).

Done on held-out training sequences, never on those that are reported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.evaluation.davis import region_similarity
from s2iammask_core.evaluation.protocols import Runnable, first_boxes
from s2iammask_core.evaluation.sequences.masks import MaskSequence
from s2iammask_core.tracking.confidence import ConfidenceModel, logit

Floats = NDArray[np.float64]

SUCCESS = 0.5  # J from which an answer counts as right
RIDGE = 0.1  # pull of the weights towards zero; keeps them finite where all answers are right
BINS = 10
NEWTON_STEPS = 50


@dataclass(frozen=True, slots=True)
class Observation:
    """One answer of the tracker, and whether it was right."""

    score: float  # [0, 1]
    agreement: float  # [0, 1]
    right: bool


def observe(tracker: Runnable, sequence: MaskSequence) -> Iterator[Observation]:
    """Tracks all objects of a sequence from their first boxes; one observation for each annotated frame and
    object.
    """
    for index in range(len(sequence.frames)):
        frame = sequence.frames.read(index)
        truth = sequence.labels(index) if index in sequence.annotations else None
        for track in tracker.track(frame):
            if truth is not None:
                overlap = region_similarity(truth == track.id, track.mask.full(*truth.shape))
                yield Observation(track.score, track.agreement, overlap >= SUCCESS)
        starting = [each.object_id for each in sequence.starting(index)]
        if starting and truth is not None:
            tracker.start(frame, first_boxes(truth, starting), starting)
    tracker.stop()


def fit(observations: Sequence[Observation]) -> ConfidenceModel:
    """Logistic regression of being right on the logit of the score and on agreement, by Newton's method.

    No weight is negative: a confidence must not fall when score or agreement rises.
    """
    features, right = _table(observations)
    weights = _newton(features, right)
    if (weights[1:] < 0).any():
        used = np.array([True, *(weights[1:] >= 0)])
        weights = np.zeros(features.shape[1])
        weights[used] = _newton(features[:, used], right)
    return ConfidenceModel(*weights.round(4).tolist())


def _newton(features: Floats, right: Floats) -> Floats:
    """Weights (D,) of features (M, D), the first of which is 1 and not pulled towards zero."""
    weights = np.zeros(features.shape[1])
    pull = RIDGE * np.eye(len(weights))
    pull[0, 0] = 1e-9
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(features @ weights, -50, 50)))
        gradient = features.T @ (right - chance) - pull @ weights
        curvature = (features * (chance * (1 - chance))[:, None]).T @ features + pull
        weights = weights + np.linalg.solve(curvature, gradient)
    return weights


def _table(observations: Sequence[Observation]) -> tuple[Floats, Floats]:
    """Features (M, 3), the first of them 1, and 0 or 1 (M,)."""
    rows = [(1.0, logit(each.score), each.agreement) for each in observations]
    return np.array(rows), np.array([float(each.right) for each in observations])


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Answers sorted into bins by their confidence; empty bins are left out."""

    confidence: Floats  # (B,) mean confidence of a bin
    accuracy: Floats  # (B,) share of right answers in it
    count: NDArray[np.int64]  # (B,)

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of confidence and accuracy, in [0, 1]."""
        return float((np.abs(self.confidence - self.accuracy) * self.count).sum() / self.count.sum())


def reliability(model: ConfidenceModel, observations: Sequence[Observation]) -> Reliability:
    """How far a model's confidence can be believed, in ten bins of equal width."""
    confidence = np.array([model.confidence(each.score, each.agreement) for each in observations])
    right = np.array([each.right for each in observations], np.float64)
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = [place == index for index in np.unique(place)]
    return Reliability(
        np.array([confidence[each].mean() for each in bins]),
        np.array([right[each].mean() for each in bins]),
        np.array([each.sum() for each in bins]),
    )
