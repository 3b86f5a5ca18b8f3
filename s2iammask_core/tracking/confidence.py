"""Confidence in [0, 1] from what an answer looks like, and the states that follow from it."""

import math
from dataclasses import dataclass

from s2iammask_core.config import TrackerConfig
from s2iammask_core.tracking.track import TrackState

LARGEST_LOGIT = 10.0  # beyond it, a score in single precision says nothing more


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for an answer."""

    score: float  # of the best proposal, [0, 1]
    agreement: float  # of the votes, [0, 1]
    fit: float  # IoU of the mask's upright box with the best proposal; 1 without a mask


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """A logistic model: the chance that an answer overlaps the object, from what the network says about it.

    It takes the logit of the score, because a Siamese network's scores crowd close to 1. A weights file may
    carry calibrated values in its metadata.
    """

    bias: float
    score: float  # weight of the logit of the best proposal's score
    agreement: float  # weight of the vote's agreement
    fit: float = 0.0  # weight of the mask's fit with the best proposal

    def confidence(self, evidence: Evidence) -> float:
        """In [0, 1]; 0 where the network's answer is not a number."""
        if not all(map(math.isfinite, (evidence.score, evidence.agreement, evidence.fit))):
            return 0.0
        raised = self.bias + self.score * logit(evidence.score)
        raised += self.agreement * evidence.agreement + self.fit * evidence.fit
        return 1 / (1 + math.exp(-min(max(raised, -50.0), 50.0)))


def logit(score: float) -> float:
    """The logarithm of the odds of a score in [0, 1], within what single precision can tell."""
    if not 0 < score < 1:
        return LARGEST_LOGIT if score >= 1 else -LARGEST_LOGIT
    return min(max(math.log(score / (1 - score)), -LARGEST_LOGIT), LARGEST_LOGIT)


WITH_VOTES = ConfidenceModel(bias=-5.0, score=0.6, agreement=6.0)
WITHOUT_VOTES = ConfidenceModel(bias=0.0, score=1.0, agreement=0.0)  # the score itself


@dataclass(frozen=True, slots=True)
class Health:
    """How sure the tracker is of a target, and for how long it has not been."""

    state: TrackState = TrackState.TRACKING
    low_frames: int = 0  # consecutive frames with a confidence below lost_below
    lost_frames: int = 0  # since it was lost
    searched: int = 0  # windows since then, where their number is limited


def next_health(
    health: Health,
    confidence: float,
    config: TrackerConfig,
    *,
    accepted: bool = True,
    searched: int = 0,
    doubt: float = 0.0,
) -> Health:
    """The state after a frame; it falls below one threshold and rises above a higher one: no flicker.

    A lost target stays lost until a find is accepted as the same object. It is uncertain then where its
    confidence is low: some objects never had a high one. What may no longer be the target is uncertain, and
    lost once it surely is not.

    Args:
        searched: windows in this frame.
        doubt: whether what is tracked is the target at all; 0 none, 1 it is not.
    """
    low_frames = health.low_frames + 1 if confidence < config.lost_below else 0
    lost = health.state is TrackState.LOST
    found = lost and accepted and not low_frames
    gone = low_frames >= config.lost_after or doubt >= 1
    if (lost and not found) or (gone and not lost):
        return Health(TrackState.LOST, low_frames, health.lost_frames + 1, health.searched + searched)
    if confidence >= config.tracking_above and (lost or not doubt):
        return Health(TrackState.TRACKING, low_frames)
    if found or doubt or confidence < config.uncertain_below:
        return Health(TrackState.UNCERTAIN, low_frames)
    return Health(health.state, low_frames)
