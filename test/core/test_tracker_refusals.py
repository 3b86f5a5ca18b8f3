"""Bad input gets a reason and leaves the tracker as it was."""

import math

import numpy as np
import pytest
import torch

from s2iammask_core import Box, Tracker, TrackerConfig
from s2iammask_core.errors import FrameError, TargetError


@pytest.fixture
def tracker(network):
    return Tracker.of(network)


BAD_TARGETS = {
    "not finite": Box(math.nan, 0, 10, 10),
    "not finite ": Box(0, 0, math.inf, 10),
    "empty": Box(20, 20, 20, 40),
    "empty ": Box(40, 20, 20, 40),
    "outside": Box(400, 20, 440, 40),
    "far larger": Box(-1e9, -1e9, 1e9, 1e9),
    "M >= 3": np.zeros((2, 2)),
    "polygon": np.array([["a", "b"]] * 3),
    "a mask must be bool": np.ones((240, 320), np.uint8),
    "the mask is empty": np.zeros((240, 320), bool),
    "the mask has shape": np.ones((10, 10), bool),
    "not tuple": (10, 10, 20, 20),
}


def test_a_single_box_instead_of_a_list_is_refused_with_what_to_write(tracker, scene):
    with pytest.raises(TargetError, match=r"a list.*\[box\]"):
        tracker.start(scene(), Box(60, 60, 90, 90))

    assert not tracker.targets


@pytest.mark.parametrize(("reason", "bad"), BAD_TARGETS.items())
def test_a_bad_target_is_refused_and_nothing_starts(tracker, scene, reason, bad):
    tracker.start(scene(), [Box(10, 10, 40, 40)])

    with pytest.raises(TargetError, match=reason.strip()):
        tracker.start(scene(), [Box(60, 60, 90, 90), bad])

    assert tracker.ids == (1,)


BAD_FRAMES = [
    np.zeros((240, 320), np.uint8),
    np.zeros((240, 320, 4), np.uint8),
    np.zeros((240, 320, 3), np.float32),
    np.zeros((0, 320, 3), np.uint8),
    torch.zeros(3, 240, 320, dtype=torch.uint8),
    [[0, 0, 0]],
    None,
]


@pytest.mark.parametrize("bad", BAD_FRAMES, ids=[f"{getattr(b, 'shape', b)}" for b in BAD_FRAMES])
def test_a_bad_frame_is_refused_and_the_tracker_stays_as_it_was(tracker, scene, bad):
    tracker.start(scene(), [Box(10, 10, 40, 40)])
    before = tracker.targets

    with pytest.raises(FrameError, match="a frame must"):
        tracker.track(bad)
    with pytest.raises(FrameError, match="a frame must"):
        tracker.start(bad, [Box(10, 10, 40, 40)])

    assert tracker.targets is before


def test_a_frame_size_that_changes_is_refused_and_says_what_to_do(tracker, scene):
    tracker.start(scene(), [Box(10, 10, 40, 40)])

    with pytest.raises(FrameError, match="stop the targets and start them"):
        tracker.track(scene(width=400))

    assert len(tracker.track(scene())) == 1


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        ([1, 1], "new"),
        ([5, 9], "new"),
        ([-1, 3], "not negative"),
        ([3], "one id for each"),
        (["cup", "jug"], "whole"),
    ],
)
def test_bad_ids_are_refused_and_nothing_starts(tracker, scene, ids, reason):
    tracker.start(scene(), [Box(10, 10, 40, 40)], ids=[5])

    with pytest.raises(TargetError, match=reason):
        tracker.start(scene(), [Box(60, 10, 90, 40), Box(60, 60, 90, 90)], ids=ids)

    assert tracker.ids == (5,)


def test_an_unknown_id_stops_nothing(tracker, scene):
    tracker.start(scene(), [Box(10, 10, 40, 40)])

    with pytest.raises(TargetError, match=r"unknown target ids \[4\]"):
        tracker.stop([1, 4])

    assert tracker.ids == (1,)


def test_too_many_targets_are_refused(network, scene):
    tracker = Tracker.of(network, TrackerConfig(max_targets=2))
    tracker.start(scene(), [Box(10, 10, 40, 40)])

    with pytest.raises(TargetError, match="max_targets = 2"):
        tracker.start(scene(), [Box(10, 10, 40, 40), Box(60, 10, 90, 40)])


class FailingNetwork:
    def __init__(self, good):
        self.good, self.device, self.mask_source = good, good.device, good.mask_source
        self.memory_values, self.first_pixels = good.memory_values, good.first_pixels

    def template(self, patches, masks):
        return self.good.template(patches, masks)

    def search(self, templates, patches, prior):
        raise RuntimeError("out of memory")


def test_a_network_that_fails_leaves_the_last_good_state(network, scene):
    tracker = Tracker.of(FailingNetwork(network))
    tracker.start(scene(), [Box(10, 10, 40, 40)])
    before = tracker.targets

    with pytest.raises(RuntimeError, match="out of memory"):
        tracker.track(scene())

    assert tracker.targets is before
