import pytest

from s2iammask_core.config import TrackerConfig
from s2iammask_core.tracking.confidence import (
    WITH_VOTES,
    WITHOUT_VOTES,
    ConfidenceModel,
    Evidence,
    Health,
    next_health,
)
from s2iammask_core.tracking.track import TrackState

CONFIG = TrackerConfig(lost_below=0.2, uncertain_below=0.4, tracking_above=0.5, lost_after=3)


def confidence(model, score, agreement, fit=1.0):
    return model.confidence(Evidence(score, agreement, fit))


def states(*confidences):
    health, seen = Health(), ""
    for each in confidences:
        health = next_health(health, each, CONFIG)
        seen += health.state.value[0]
    return seen


def test_confidence_rises_with_score_and_with_agreement():
    low = confidence(WITH_VOTES, 0.5, 0.5)

    assert confidence(WITH_VOTES, 0.9, 0.5) > low
    assert confidence(WITH_VOTES, 0.5, 0.9) > low


@pytest.mark.parametrize("model", [WITH_VOTES, WITHOUT_VOTES])
def test_confidence_tells_a_good_answer_from_a_bad_one(model):
    assert confidence(model, 0.99, 0.9) > CONFIG.tracking_above
    assert confidence(model, 0.05, 0.2) < CONFIG.lost_below


def test_a_mask_that_does_not_fit_the_proposal_may_lower_the_confidence():
    model = ConfidenceModel(bias=-4.0, score=0.0, agreement=3.0, fit=4.0)
    assert confidence(model, 0.9, 0.9, 0.0) < 0.5 < confidence(model, 0.9, 0.9, 0.9)


def test_an_answer_that_is_not_a_number_has_no_confidence():
    assert confidence(WITH_VOTES, float("nan"), 0.9) == 0


@pytest.mark.parametrize("score", [0.1, 0.5, 0.93])
def test_without_votes_the_score_is_the_confidence(score):
    assert confidence(WITHOUT_VOTES, score, 1.0) == pytest.approx(score)


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_the_ends_of_the_scale_have_a_confidence(score):
    assert confidence(WITHOUT_VOTES, score, 1.0) == pytest.approx(score, abs=1e-4)


def test_a_target_becomes_uncertain_and_recovers_at_a_higher_confidence():
    assert states(0.9, 0.45, 0.39, 0.45, 0.49, 0.5) == "ttuuut"


def test_a_target_is_lost_after_consecutive_low_frames_only():
    assert states(0.1, 0.1, 0.3, 0.1, 0.1, 0.1) == "uuuuul"


def test_a_lost_target_that_is_found_is_uncertain_until_the_upper_threshold():
    assert states(0.1, 0.1, 0.1, 0.1, 0.45, 0.3, 0.6) == "uulluut"


def test_a_lost_target_stays_lost_while_no_find_is_accepted():
    lost = Health(TrackState.LOST, 0, 4)

    found = [next_health(lost, confidence, CONFIG, accepted=False) for confidence in (0.3, 0.9)]

    assert [each.state for each in found] == [TrackState.LOST] * 2


def test_what_may_be_another_is_uncertain_and_what_is_another_is_lost():
    doubted, gone = (next_health(Health(), 0.9, CONFIG, doubt=doubt) for doubt in (0.5, 1.0))

    assert (doubted.state, gone.state) == (TrackState.UNCERTAIN, TrackState.LOST)


def test_one_bad_frame_does_not_lose_a_target():
    assert next_health(Health(), 0.0, CONFIG).state is TrackState.UNCERTAIN
