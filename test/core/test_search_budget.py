"""The search for lost targets takes no more time than it is given."""

import numpy as np
import pytest

from s2iammask_core import Box, Shot, Tracker, TrackerConfig, TrackState, track_together
from s2iammask_core.tracking import s2iammask
from s2iammask_core.tracking.search_budget import SearchBudget

WINDOW = 0.020  # seconds that a window takes on the clock of these tests
FIXED = 0.010  # that a step takes beside


@pytest.fixture
def clock(monkeypatch, network):
    """A clock that only the network moves; gives the time that it shows."""
    shown = [0.0]
    search = network.search

    def timed(kernels, patches, prior):
        shown[0] += FIXED + WINDOW * len(patches)
        return search(kernels, patches, prior)

    monkeypatch.setattr(network, "search", timed)
    monkeypatch.setattr(s2iammask.time, "perf_counter", lambda: shown[0])
    return lambda: shown[0]


@pytest.fixture
def begin(network, scene, colours):
    """A tracker of a green object that stays and of red ones that are gone, and the frame that they left."""

    def make(lost):
        tracker, frame = (
            Tracker.of(network, TrackerConfig(proposals=2)),
            scene((200, 100, 40, 40, colours[1])),
        )
        tracker.start(frame, [Box(200, 100, 240, 140)])
        places = [(20 + 60 * (number % 4), 20 + 100 * (number // 4)) for number in range(lost)]
        if places:
            full = scene((200, 100, 40, 40, colours[1]), *((x, y, 40, 40, colours[0]) for x, y in places))
            tracker.start(full, [Box(x, y, x + 40, y + 40) for x, y in places])
        for _ in range(8):
            tracker.track(frame)
        assert [target.health.state is TrackState.LOST for target in tracker.targets[1:]] == [True] * lost
        return tracker, frame

    return make


def times(tracker, frame, clock, budget, frames=60):
    """Seconds that each frame takes on the clock."""
    found = []
    for _ in range(frames):
        before = clock()
        track_together([Shot(tracker, frame, search_time=budget)])
        found.append(clock() - before)
    return found


@pytest.mark.parametrize("budget", [0.005, 0.015, 0.03, 0.1])
def test_a_tracked_target_keeps_its_rate_beside_four_lost_ones(begin, clock, budget):
    alone = np.median(times(*begin(0), clock, budget))
    beside = times(*begin(4), clock, budget)

    assert np.median(beside) - alone < budget + 1e-9
    assert np.mean(beside) - alone < budget + 1e-9
    assert max(beside) > alone  # but it is searched for them


def test_without_a_limit_lost_targets_take_what_they_need(begin, clock):
    tracker, frame = begin(4)
    assert np.median(times(tracker, frame, clock, float("inf"))) == pytest.approx(FIXED + 9 * WINDOW)


def test_the_limit_holds_for_all_frames_that_are_tracked_together(begin, clock):
    (first, frame), (second, _) = begin(2), begin(2)
    alone = 2 * times(*begin(0), clock, 0.02)[-1]

    found = []
    for _ in range(60):
        before = clock()
        track_together([Shot(each, frame, search_time=0.02) for each in (first, second)])
        found.append(clock() - before)

    assert np.mean(found) - alone < 0.02 + 1e-9


@pytest.mark.parametrize("budget", [0.005, 0.05])
def test_lost_targets_are_found_again_with_little_time(begin, scene, colours, clock, budget):
    tracker, _ = begin(1)
    back = scene((200, 100, 40, 40, colours[1]), (30, 180, 40, 40, colours[0]))

    states = []
    for _ in range(150):
        (answers,) = track_together([Shot(tracker, back, search_time=budget)])
        states.append(answers[1].state)

    assert states[-1] is TrackState.TRACKING
    assert answers[1].box.center == pytest.approx((50, 200), abs=3)
    assert answers[0].state is TrackState.TRACKING


def test_where_nothing_is_tracked_each_frame_searches_one_window_at_least(network, scene, clock):
    tracker = Tracker.of(network, TrackerConfig(proposals=2))
    tracker.start(scene((60, 60, 40, 40, (220, 30, 40))), [Box(60, 60, 100, 100)])
    times(tracker, scene(), clock, 0.001, frames=10)

    assert times(tracker, scene(), clock, 0.001, frames=10) == pytest.approx([FIXED + WINDOW] * 10)


def test_a_target_that_was_not_looked_for_says_that_nothing_was_seen(begin, clock):
    tracker, frame = begin(4)
    answers = [track_together([Shot(tracker, frame, search_time=0.001)])[0][1:] for _ in range(20)]

    assert {each.state for frame_answers in answers for each in frame_answers} == {TrackState.LOST}
    assert min(each.confidence for frame_answers in answers for each in frame_answers) < 0.01


def test_a_window_dearer_than_the_budget_leaves_most_frames_alone():
    budget = SearchBudget()
    budget.measure(0.1, 5)

    given = [budget.windows(0.015, tracking=True) for _ in range(300)]

    assert sorted(set(given)) == [0, 1]
    assert sum(given) == 100


def test_windows_that_became_cheaper_are_used():
    budget = SearchBudget()
    for cost in [0.1] * 5 + [0.001] * 50:
        budget.measure(cost, 1)

    assert budget.windows(0.02, tracking=True) > 10
