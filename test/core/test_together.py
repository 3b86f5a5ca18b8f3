"""Several trackers in one step."""

from dataclasses import replace

import numpy as np
import pytest

from s2iammask_core import Box, Shot, Tracker, TrackerConfig, track_together
from s2iammask_core.errors import FrameError

METHODS = [("roi", "s2iammask"), ("cell", "s2iammask"), ("none", "s2iammask"), ("cell", "siammask")]


@pytest.fixture
def counting(make_network):
    """A network that notes how many patches each search has."""

    class CountingNetwork(make_network):
        batches = ()

        def search(self, templates, patches, prior):
            self.batches = (*self.batches, len(patches))
            return super().search(templates, patches, prior)

    return CountingNetwork


@pytest.fixture
def cameras(scene, colours):
    """Frames of a small and a large camera, with a block of its own each, at a time."""

    def frames(time):
        small = scene((60 + 5 * time, 50, 40, 30, colours[0]))
        large = scene((220 - 6 * time, 120, 30, 50, colours[1]), height=300, width=420)
        return small, large

    return frames


def begun(tracker, cameras):
    """Two trackers that share a network, each with the target of its camera."""
    both = tracker, tracker.sibling()
    boxes = Box(60, 50, 100, 80), Box(220, 120, 250, 170)
    for each, frame, box in zip(both, cameras(0), boxes, strict=True):
        each.start(frame, [box])
    return both


def shots(trackers, frames):
    return [Shot(*pair) for pair in zip(trackers, frames, strict=True)]


def assert_equal(one, other):
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left.mask.pixels, right.mask.pixels)
        assert replace(left, mask=right.mask) == right


@pytest.mark.parametrize(("source", "compat"), METHODS)
def test_frames_of_different_sizes_are_tracked_as_each_would_be_alone(make_network, cameras, source, compat):
    config = TrackerConfig(compat=compat)
    together = begun(Tracker.of(make_network(source), config), cameras)
    alone = begun(Tracker.of(make_network(source), config), cameras)

    for time in range(1, 6):
        frames = cameras(time)
        for found, tracker, frame in zip(track_together(shots(together, frames)), alone, frames, strict=True):
            assert_equal(found, tracker.track(frame))

    assert [each.targets for each in together] == [each.targets for each in alone]


def test_one_step_serves_all(counting, cameras):
    network = counting()
    trackers = begun(Tracker.of(network), cameras)

    track_together(shots(trackers, cameras(1)))

    assert network.batches == (2,)


def test_trackers_with_other_settings_or_another_network_have_a_step_of_their_own(counting, cameras):
    network, other = counting(), counting()
    trackers = (*begun(Tracker.of(network), cameras), *begun(Tracker.of(other), cameras))
    trackers[0].reconfigure(replace(trackers[0].config, vote_fraction=0.5))

    found = track_together(shots(trackers, cameras(1) * 2))

    assert (network.batches, other.batches) == ((1, 1), (2,))
    assert [len(tracks) for tracks in found] == [1] * 4
    assert_equal(found[1], found[3])


def test_trackers_without_targets_answer_nothing_and_cost_nothing(counting, cameras):
    network = counting()
    first, second = begun(Tracker.of(network), cameras)
    second.stop()

    found, nothing = track_together(shots((first, second), cameras(1)))

    assert len(found) == 1
    assert nothing == []
    assert network.batches == (1,)
    assert track_together([]) == []


def test_a_frame_that_does_not_fit_is_named_and_no_tracker_moves(network, cameras):
    trackers = begun(Tracker.of(network), cameras)
    before = [each.targets for each in trackers]
    good, _ = cameras(1)

    for bad, reason in ((good, "rows and columns"), (good.astype(float), "uint8")):
        with pytest.raises(FrameError, match=f"frame 2 of 2: .*{reason}"):
            track_together(shots(trackers, (good, bad)))

    assert [each.targets for each in trackers] == before


def test_a_step_that_fails_leaves_all_trackers_as_they_were(make_network, cameras):
    good, broken = make_network(), make_network()
    trackers = (*begun(Tracker.of(good), cameras), *begun(Tracker.of(broken), cameras))
    before = [each.targets for each in trackers]
    broken.search = None

    with pytest.raises(TypeError):
        track_together(shots(trackers, cameras(1) * 2))

    assert [each.targets for each in trackers] == before


def test_a_tracker_that_is_given_twice_is_refused(network, cameras):
    first, _ = begun(Tracker.of(network), cameras)
    frame, _ = cameras(1)

    with pytest.raises(FrameError, match="each tracker once"):
        track_together(shots((first, first), (frame, frame)))
