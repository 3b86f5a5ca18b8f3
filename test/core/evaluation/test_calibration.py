"""Calibration on observations whose chances are known."""

import numpy as np
import pytest

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.calibration import Observation, cross_validated, fit, observe, reliability
from s2iammask_core.evaluation.identity import IdentityTracker
from s2iammask_core.evaluation.sequences.masks import read_davis
from s2iammask_core.files.labels import VOID
from s2iammask_core.tracking.confidence import ConfidenceModel, Evidence


def observed(score, agreement, right, fits=1.0, sequence="a"):
    return Observation(Evidence(score, agreement, fits), right, sequence)


def drawn(model, count=20000):
    """Observations of two sequences that are right as often as a model says."""
    rng = np.random.default_rng(1)
    seen = [Evidence(*each) for each in rng.random((count, 3))]
    right = rng.random(count) < [model.confidence(each) for each in seen]
    return [Observation(*pair, "ab"[k % 2]) for k, pair in enumerate(zip(seen, right, strict=True))]


def test_the_model_that_made_the_observations_is_found_again():
    truth = ConfidenceModel(bias=-3.0, score=2.0, agreement=4.0, fit=1.0)

    found = fit(drawn(truth))

    for evidence in (Evidence(0.2, 0.3, 0.9), Evidence(0.5, 0.9, 0.1), Evidence(0.9, 0.6, 0.5)):
        assert found.confidence(evidence) == pytest.approx(truth.confidence(evidence), abs=0.06)


def test_an_answer_is_right_or_wrong_outside_the_void(tmp_path, files):
    def rights(ring):
        root = files.davis(tmp_path / str(ring), ["a"], frames=3)
        for index in range(3):
            labels = np.full((30, 40), ring, np.uint8)
            labels[5:10, 5:10] = 1
            labels[0, 0] = 1  # which makes the box four times as large as what is seen
            files.labels(root / f"Annotations/480p/a/{index:05d}.png", labels)
        (sequence,) = read_davis(root, "2017", ["a"])
        return [each.right for each in observe(IdentityTracker(), sequence)]

    assert rights(0) == [False, False]
    assert rights(VOID) == [True, True]


def test_fitting_lowers_the_calibration_error():
    observations = drawn(ConfidenceModel(bias=-3.0, score=2.0, agreement=4.0))
    boastful = ConfidenceModel(bias=3.0, score=1.0, agreement=1.0)

    before, after = (reliability(each, observations).error for each in (boastful, fit(observations)))

    assert before > 0.3
    assert after < 0.03


def test_a_confidence_that_is_always_kept_has_no_error():
    certain = ConfidenceModel(bias=50.0, score=0.0, agreement=0.0)
    always_right = [observed(0.5, 0.5, True)] * 10
    assert reliability(certain, always_right).error == pytest.approx(0, abs=1e-9)


def test_answers_that_are_all_right_give_finite_weights():
    found = fit([observed(0.9, 0.8, True), observed(0.7, 0.9, True)] * 20)
    assert 0.5 < found.confidence(Evidence(0.8, 0.85, 1.0)) <= 1


def test_confidence_never_falls_when_the_score_rises():
    found = fit(drawn(ConfidenceModel(bias=-1.0, score=-1.0, agreement=4.0)))
    assert found.score == 0
    assert found.agreement > 1


def test_the_error_after_a_fit_is_that_on_sequences_left_out_of_it():
    alike = drawn(ConfidenceModel(bias=-3.0, score=2.0, agreement=4.0))
    odd = [observed(0.9, 0.9, False, sequence="odd")] * 5000

    assert cross_validated(alike).error < 0.03
    assert cross_validated([*alike, *odd]).error > 0.1


def test_one_sequence_is_too_few_to_check_a_calibration():
    with pytest.raises(DatasetError, match="at least two"):
        cross_validated([observed(0.5, 0.5, True)] * 3)
