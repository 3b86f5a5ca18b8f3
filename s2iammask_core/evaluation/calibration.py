"""Calibration of the confidence: how often an answer of a given confidence is right (Guo et al. 2017).

Done on held-out training sequences, never on those that are reported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.davis import outside_void, region_similarity
from s2iammask_core.evaluation.protocols import Runnable, first_boxes
from s2iammask_core.evaluation.sequences.masks import MaskSequence
from s2iammask_core.tracking.confidence import ConfidenceModel, Evidence, logit
from s2iammask_core.tracking.track import Track

Floats = NDArray[np.float64]

SUCCESS = 0.5  # J from which an answer counts as right
RIDGE = 0.1  # pull of the weights towards zero; keeps them finite where all answers are right
BINS = 10
NEWTON_STEPS = 50
ABSENT = 8  # frames without the object at the end of each run


@dataclass(frozen=True, slots=True)
class Observation:
    """One answer of the tracker, and whether it was right."""

    evidence: Evidence
    right: bool
    sequence: str


def observe(
    tracker: Runnable, run: MaskSequence, elsewhere: MaskSequence | None = None
) -> Iterator[Observation]:
    """Tracks all objects of a run from their first boxes; an observation of each object and annotated frame.

    At the end come the first frames of another sequence of the same size, where every answer is wrong:
    sequences that show the object in all their frames do not tell how the figures look when it is gone.
    """
    for index in range(len(run.frames)):
        frame = run.frames.read(index)
        truth = run.fitting(index, frame) if index in run.annotations else None
        for track in tracker.track(frame):
            if truth is not None:
                found = outside_void(track.mask.full(*truth.shape), truth)
                right = region_similarity(truth == track.id, found) >= SUCCESS
                yield Observation(_evidence(track), right, run.name)
        starting = [each.object_id for each in run.starting(index)]
        if starting and truth is not None:
            tracker.start(frame, first_boxes(truth, starting), starting)
    if elsewhere and _size(elsewhere) == _size(run):
        for index in range(min(ABSENT, len(elsewhere.frames))):
            for track in tracker.track(elsewhere.frames.read(index)):
                yield Observation(_evidence(track), False, run.name)
    tracker.stop()


def _evidence(track: Track) -> Evidence:
    return Evidence(track.score, track.agreement, track.fit)


def _size(sequence: MaskSequence) -> tuple[int, ...]:
    return tuple(sequence.frames.read(0).shape)


def fit(observations: Sequence[Observation]) -> ConfidenceModel:
    """Logistic regression of being right on the logit of the score, on agreement and on fit, by Newton's
    method.

    No weight is negative: a confidence must not fall when one of them rises.
    """
    features, right = _table(observations)
    used = np.ones(features.shape[1], np.bool_)
    weights = _newton(features, right)
    while (weights[1:] < 0).any():
        used[1:] &= weights[1:] >= 0
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
    """Features (M, 4), the first of them 1, and 0 or 1 (M,)."""
    seen = [each.evidence for each in observations]
    rows = [(1.0, logit(each.score), each.agreement, each.fit) for each in seen]
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


def cross_validated(observations: Sequence[Observation]) -> Reliability:
    """The reliability of models on sequences that they were not fitted to: each is left out in turn."""
    names = sorted({each.sequence for each in observations})
    if len(names) < 2:
        raise DatasetError("a calibration is checked on sequences left out of it: give at least two")
    models = {name: fit([each for each in observations if each.sequence != name]) for name in names}
    confidence = [models[each.sequence].confidence(each.evidence) for each in observations]
    return _reliability(np.array(confidence), observations)


def reliability(model: ConfidenceModel, observations: Sequence[Observation]) -> Reliability:
    """How far a model's confidence can be believed, in ten bins of equal width."""
    confidence = [model.confidence(each.evidence) for each in observations]
    return _reliability(np.array(confidence), observations)


def _reliability(confidence: Floats, observations: Sequence[Observation]) -> Reliability:
    right = np.array([each.right for each in observations], np.float64)
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = [place == index for index in np.unique(place)]
    return Reliability(
        np.array([confidence[each].mean() for each in bins]),
        np.array([right[each].mean() for each in bins]),
        np.array([each.sum() for each in bins]),
    )
