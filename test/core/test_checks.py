"""Whether what is tracked is still the target: something that takes its place unseen."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from s2iammask_core import Box, Tracker, TrackerConfig, TrackState
from s2iammask_core.tracking.network import MEMORY_CELLS, MEMORY_KEY
from s2iammask_core.tracking.target import AGAIN, Likeness

CONFIG = TrackerConfig(proposals=2)


@pytest.fixture
def network(make_network):
    """Finds its target by colour alone, and remembers the pattern of its brightness as well."""

    class Remembering(make_network):
        memory_values = (MEMORY_KEY + 2) * MEMORY_CELLS

        def __init__(self):
            super().__init__()
            self.asked = 0

        def template(self, patches, masks):
            self.asked += 1
            middle = patches.shape[-1] // 2
            part = patches[:, :, middle - 16 : middle + 16, middle - 16 : middle + 16].mean(dim=1)
            pattern = torch.nn.functional.avg_pool2d(part - part.mean(dim=(1, 2), keepdim=True), 4)
            keys = torch.nn.functional.normalize(pattern.flatten(1)[:, :MEMORY_KEY])
            known = (masks.flatten(1).amax(dim=1) > 0).float()[:, None]
            rows = torch.cat([keys * 4, known, 0 * known], dim=1)
            return torch.cat([super().template(patches, masks), rows.repeat_interleave(MEMORY_CELLS, 1)], 1)

    return Remembering()


@pytest.fixture
def block(scene, colours):
    """A frame with a red block at x, 60, one half of it brighter."""

    def draw(x, *, upright=True):
        rows, columns = np.mgrid[:40, :40]
        shade = 25 * np.where((columns if upright else rows) // 20, 1, -1)
        frame = scene()
        frame[60:100, x : x + 40] = np.clip(np.array(colours[0]) + shade[..., None], 0, 255)
        return frame

    return draw


def started(network, block, config=CONFIG):
    tracker = Tracker.of(network, config)
    tracker.start(block(60), [Box(60, 60, 100, 100)])
    return tracker


def states(tracker, frames):
    return [tracker.track(frame)[0].state for frame in frames]


def test_what_takes_the_place_of_the_target_is_uncertain_and_then_lost_and_the_target_is_found_again(
    network, block
):
    tracker = started(network, block)

    mine = states(tracker, [block(60 + k) for k in range(9)])
    taken = states(tracker, [block(69 + k, upright=False) for k in range(8)])
    back = states(tracker, [block(77 - k) for k in range(8)])

    assert set(mine) == {TrackState.TRACKING}
    assert taken.index(TrackState.UNCERTAIN) < CONFIG.check_every
    assert taken.index(TrackState.LOST) < CONFIG.check_every + AGAIN
    assert taken[-1] is TrackState.LOST
    assert back[-1] is TrackState.TRACKING


def test_without_checks_what_takes_the_place_of_the_target_is_tracked(network, block):
    tracker = started(network, block, TrackerConfig(proposals=2, check_every=0))
    before = network.asked

    states(tracker, [block(60 + k) for k in range(9)])
    taken = states(tracker, [block(69 + k, upright=False) for k in range(8)])

    assert set(taken) == {TrackState.TRACKING}
    assert network.asked == before


def test_a_look_is_taken_now_and_then_and_says_how_like_the_target_it_is(network, block):
    tracker = started(network, block, replace(CONFIG, check_every=3))

    tracks = [tracker.track(block(60 + k))[0] for k in range(7)]

    assert [track.similarity > 0.9 for track in tracks] == [False, False, True, False, False, True, False]


def test_targets_that_began_together_are_looked_at_in_different_frames(network, block):
    tracker = Tracker.of(network, replace(CONFIG, check_every=3))
    tracker.start(block(60), [Box(60, 60, 100, 100)] * 3)

    looked = [[track.similarity >= 0 for track in tracker.track(block(60))] for _ in range(6)]

    assert [sum(row) for row in looked] == [1] * 6


@pytest.mark.parametrize("every", [1, 3, 6])
def test_a_target_that_changes_slowly_stays_like_itself_however_often_somebody_looks(every):
    likeness = Likeness()

    for frame in range(60):
        likeness = likeness.after(0.95**frame if frame % every == 0 else -1.0, CONFIG)
        assert likeness.doubt == 0

    assert likeness.usual == pytest.approx(0.95**60, rel=0.6)


def test_a_look_that_gives_no_number_says_nothing():
    likeness = Likeness(usual=0.8, unlike=1)

    assert likeness.after(float("nan"), CONFIG) == Likeness(usual=0.8, unlike=1, frames=1)


def test_two_unlike_looks_in_turn_are_needed():
    likeness = Likeness(usual=0.8)

    doubts = []
    for similarity in (0.3, -1.0, 0.7, 0.3, -1.0, 0.3):
        likeness = likeness.after(similarity, CONFIG)
        doubts.append(likeness.doubt)

    assert doubts == [0.5, 0.5, 0, 0.5, 0.5, 1]


@pytest.mark.parametrize(("every", "again"), [(6, 3), (2, 2)])
def test_who_saw_something_else_looks_again_soon(every, again):
    config = replace(CONFIG, check_every=every)
    calm, doubtful = Likeness(usual=0.8), Likeness(usual=0.8).after(0.3, config)

    def wait(likeness):
        frames = 1
        while not likeness.is_due(config):
            likeness, frames = likeness.after(-1.0, config), frames + 1
        return frames

    assert (wait(calm), wait(doubtful)) == (every, again)


def test_colours_are_learned_in_each_frame_again_once_checks_are_switched_off(network, block):
    tracker = started(network, block)
    states(tracker, [block(60 + k) for k in range(4)])
    before = tracker.targets[0].colours

    tracker.reconfigure(TrackerConfig(proposals=2, check_every=0))
    states(tracker, [block(64)])

    assert before is not None
    assert tracker.targets[0].colours is not before
