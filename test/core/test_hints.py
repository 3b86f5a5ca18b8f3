"""Hints of a detector: places to look at for lost targets, and no more than that."""

import math

import numpy as np
import pytest
import torch

from s2iammask_core import Box, Shot, Tracker, TrackerConfig, TrackState, track_together
from s2iammask_core.tracking.confidence import Health
from s2iammask_core.tracking.redetection import MOST_HINTS, usable_hints, views_of
from s2iammask_core.tracking.target import Target

SIZE = (480, 640)
UNUSABLE = [
    Box(math.nan, 0, 10, 10),
    Box(0, 0, math.inf, 10),
    Box(50, 50, 50, 80),
    Box(80, 50, 50, 80),
    Box(700, 50, 800, 90),
    Box(-1e9, -1e9, 1e9, 1e9),
]


@pytest.fixture
def network(make_network):
    """Finds its target by colour; the template also holds whether the left half is the brighter one."""

    class HalvesNetwork(make_network):
        def template(self, patches, masks):
            middle = patches.shape[-1] // 2
            part = patches[:, :, middle - 16 : middle + 16, middle - 16 : middle + 16]
            left, right = (half.mean(dim=(1, 2, 3)) for half in (part[..., :16], part[..., 16:]))
            colour = part.mean(dim=(2, 3), keepdim=True)
            return torch.cat([colour.flatten(1), 20 * (left - right)[:, None]], dim=1)

    return HalvesNetwork()


@pytest.fixture
def empty(scene):
    return scene(height=SIZE[0], width=SIZE[1])


@pytest.fixture
def block(scene, colours):
    """Draws a frame with a red block of 40 x 40 pixels at x, y, its left half brighter, or the right one."""

    def draw(x, y, brighter=slice(0, 20)):
        frame = scene(height=SIZE[0], width=SIZE[1])
        frame[y : y + 40, x : x + 40] = np.array(colours[0]) * 0.88
        frame[y : y + 40, x : x + 40][:, brighter] = colours[0]
        return frame

    return draw


@pytest.fixture
def lost(network, block, empty):
    """A tracker whose only target is lost."""
    tracker = Tracker.of(network, TrackerConfig(proposals=2, redetect_patches=1))
    tracker.start(block(60, 60), [Box(60, 60, 100, 100)])
    while tracker.track(empty)[0].state is not TrackState.LOST:
        pass
    return tracker


def test_a_hint_finds_an_object_in_the_next_frame_where_the_search_alone_takes_longer(lost, block):
    frame = block(560, 400)
    alone = {lost.track(frame)[0].state for _ in range(5)}

    (found,) = lost.track(frame, hints=[Box(300, 20, 340, 60), Box(555, 405, 600, 445)])

    assert alone == {TrackState.LOST}
    assert (found.state, found.hinted) == (TrackState.TRACKING, True)
    assert found.box.center == pytest.approx((580, 420), abs=3)
    assert not lost.track(frame)[0].hinted


def test_a_hint_at_a_look_alike_is_not_taken(lost, block):
    frame = block(560, 400, brighter=slice(20, 40))

    found = [lost.track(frame, hints=[Box(560, 400, 600, 440)])[0] for _ in range(5)]

    assert {each.state for each in found} == {TrackState.LOST}


def test_trackers_that_step_together_have_hints_of_their_own(lost, block, empty):
    other, frame = lost.sibling(), block(560, 400)
    other.start(empty, [Box(60, 60, 100, 100)])

    (found,), _ = track_together([Shot(lost, frame, [Box(560, 400, 600, 440)]), Shot(other, empty)])

    assert found.state is TrackState.TRACKING


def test_a_hint_of_another_size_is_looked_at_in_its_own_scale(lost, scene, colours):
    frame = scene((460, 300, 120, 120, colours[0]), height=SIZE[0], width=SIZE[1])
    lost.reconfigure(TrackerConfig(proposals=2, redetect_patches=1, redetect_similarity=-1.0))

    (found,) = lost.track(frame, hints=[Box(455, 295, 575, 415)])

    assert found.box.width == pytest.approx(120, abs=8)


@pytest.mark.parametrize("bad", UNUSABLE)
def test_a_hint_that_no_object_can_have_is_ignored(lost, block, bad):
    frame = block(560, 400)

    (found,) = lost.track(frame, hints=[bad, Box(560, 400, 600, 440)])

    assert usable_hints([bad], SIZE) == []
    assert found.state is TrackState.TRACKING


def target(state, lost_frames=1):
    box = Box(80, 80, 120, 120)
    return Target(1, 100.0, 100.0, 40.0, 40.0, box, (0.0, 0.0, 0.0), Health(state, 5, lost_frames))


def hinted_views(targets, hints, **settings):
    return [view for view in views_of(targets, TrackerConfig(**settings), SIZE, hints) if view.hinted]


@pytest.mark.parametrize(("lost", "count"), [(1, 4), (2, 4), (3, 3), (6, 6)])
def test_hints_cost_a_bounded_number_of_windows(lost, count):
    hints = [Box(10 * k, 10, 10 * k + 40, 50) for k in range(30)]

    assert len(hinted_views((target(TrackState.LOST),) * lost, hints, redetect_hints=4)) == count


def test_hints_cost_nothing_while_nothing_is_lost_or_they_are_switched_off():
    hints = [Box(10, 10, 50, 50)]

    assert hinted_views((target(TrackState.TRACKING),), hints) == []
    assert hinted_views((target(TrackState.LOST),), hints, redetect_hints=0) == []


def test_hints_that_are_more_than_the_windows_take_turns():
    hints = [Box(10 * k, 10, 10 * k + 40, 50) for k in range(12)]

    looked = {
        view.target.cx
        for frame in range(1, 4)
        for view in hinted_views((target(TrackState.LOST, frame),), hints, redetect_hints=4)
    }

    assert looked == {hint.center[0] for hint in hints}


def test_of_a_flood_of_hints_only_the_first_are_read():
    assert len(usable_hints([Box(10, 10, 50, 50)] * (MOST_HINTS + 5), SIZE)) == MOST_HINTS
