"""Calibration on observations whose chances are known."""

import numpy as np
import pytest

from s2iammask_core.evaluation.calibration import Observation, fit, reliability
from s2iammask_core.tracking.confidence import ConfidenceModel


def drawn(model, count=20000):
    """Observations that are right as often as a model says."""
    rng = np.random.default_rng(1)
    scores, agreements = rng.random((2, count))
    chance = [model.confidence(s, a) for s, a in zip(scores, agreements, strict=True)]
    return [Observation(*each) for each in zip(scores, agreements, rng.random(count) < chance, strict=True)]


def test_the_model_that_made_the_observations_is_found_again():
    truth = ConfidenceModel(bias=-3.0, score=2.0, agreement=4.0)

    found = fit(drawn(truth))

    for score, agreement in [(0.2, 0.3), (0.5, 0.9), (0.9, 0.6)]:
        wanted = truth.confidence(score, agreement)
        assert found.confidence(score, agreement) == pytest.approx(wanted, abs=0.06)


def test_fitting_lowers_the_calibration_error():
    observations = drawn(ConfidenceModel(bias=-3.0, score=2.0, agreement=4.0))
    boastful = ConfidenceModel(bias=3.0, score=1.0, agreement=1.0)

    before, after = (reliability(each, observations).error for each in (boastful, fit(observations)))

    assert before > 0.3
    assert after < 0.03


def test_a_confidence_that_is_always_kept_has_no_error():
    certain = ConfidenceModel(bias=50.0, score=0.0, agreement=0.0)
    always_right = [Observation(0.5, 0.5, True)] * 10
    assert reliability(certain, always_right).error == pytest.approx(0, abs=1e-9)


def test_answers_that_are_all_right_give_finite_weights():
    found = fit([Observation(0.9, 0.8, True), Observation(0.7, 0.9, True)] * 20)
    assert 0.5 < found.confidence(0.8, 0.85) <= 1


def test_confidence_never_falls_when_the_score_rises():
    found = fit(drawn(ConfidenceModel(bias=-1.0, score=-1.0, agreement=4.0)))
    assert found.score == 0
    assert found.agreement > 1
