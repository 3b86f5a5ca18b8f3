"""Masks that the network for first boxes makes finer while targets are tracked."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from s2iammask_core import Box, Tracker, TrackerConfig, TrackState
from s2iammask_core.tracking.first_frame import MAYBE
from s2iammask_core.tracking.network import MEMORY_CELLS, MEMORY_KEY
from s2iammask_core.tracking.refinement import MARGIN

FINER = TrackerConfig(refine_every=1, state_from_mask=True)
BODY, PART = (120, 90, 60, 40), (180, 90, 30, 40)  # x y width height
REDDISH = (200, 50, 60)  # a step takes it for red


@pytest.fixture
def network(make_network):
    """A step takes all reddish things for its target; what fills boxes knows what is red, and notes what it
    is given.
    """

    class Filling(make_network):
        memory_values = (MEMORY_KEY + 2) * MEMORY_CELLS
        first_pixels = 95

        def __init__(self):
            super().__init__()
            self.given = []

        def template(self, patches, masks):
            known = torch.nn.functional.adaptive_avg_pool2d(masks.clamp(min=0), 31).flatten(1)
            rows = [torch.ones(len(masks), MEMORY_KEY * MEMORY_CELLS), known, 0 * known]
            return torch.cat([super().template(patches, masks), *rows], dim=1)

        def first_mask(self, patches, boxes):
            self.given.append(boxes.clone())
            red = patches.new_tensor([220, 30, 40])[:, None, None]
            return ((patches - red).abs().amax(dim=1) < 10).float()

    return Filling()


@pytest.fixture
def frame(scene, colours):
    return scene((*BODY, colours[0]), (*PART, REDDISH))


def started(network, frame, config=FINER, boxes=1):
    tracker = Tracker.of(network, config)
    tracker.start(frame, [Box(115, 85, 185, 135)] * boxes)
    network.given.clear()
    return tracker


def test_a_finer_mask_and_the_boxes_around_it_take_the_place_of_the_steps(network, frame):
    (coarse,) = started(network, frame, TrackerConfig()).track(frame)
    (fine,) = started(network, frame).track(frame)

    assert coarse.mask.area == pytest.approx(90 * 40, rel=0.1)
    assert fine.mask.area == pytest.approx(60 * 40, rel=0.05)
    assert fine.box.iou(Box(120, 90, 180, 130)) > 0.9
    assert fine.rotated_box.box.iou(fine.box) > 0.95


def test_the_next_search_begins_with_the_finer_mask(network, frame):
    tracker = started(network, frame)

    tracker.track(frame)

    (target,) = tracker.targets
    assert target.shape.area == pytest.approx(60 * 40, rel=0.05)
    assert target.believed.x2 == pytest.approx(210, abs=3)  # where it might be as well


def test_it_is_given_the_steps_mask_in_a_box_a_little_wider(network, frame):
    started(network, frame).track(frame)

    (given,) = network.given  # once: its mirror image is not asked
    inside, believed = given > 0, given > 1.5 * MAYBE
    assert given.max() == 1
    assert given[~believed & inside].median() == MAYBE
    share = float(believed.sum() / inside.sum())
    assert share == pytest.approx(1 / (1 + 2 * MARGIN) ** 2, abs=0.1)


def test_targets_have_their_turns_in_different_frames(network, frame):
    tracker = started(network, frame, replace(FINER, refine_every=3), boxes=3)

    counts = []
    for _ in range(6):
        network.given.clear()
        tracker.track(frame)
        counts.append(sum(len(each) for each in network.given))

    assert counts == [1] * 6


def test_nothing_is_made_finer_where_nothing_is_seen_or_the_target_is_lost(network, frame, scene):
    tracker = started(network, frame)

    states = [tracker.track(scene())[0].state for _ in range(8)]

    assert states[-1] is TrackState.LOST
    assert not network.given


def test_a_target_that_is_found_again_has_a_finer_mask_at_once(network, frame, scene):
    tracker = started(network, frame)
    for _ in range(8):
        tracker.track(scene())

    (found,) = tracker.track(frame)

    assert found.state is not TrackState.LOST
    assert found.mask.area == pytest.approx(60 * 40, rel=0.05)


def test_where_next_to_nothing_would_be_left_the_steps_mask_stays(network, frame):
    tracker = started(network, frame)
    network.first_mask = lambda patches, boxes: torch.zeros_like(boxes)

    (track,) = tracker.track(frame)

    assert track.mask.area == pytest.approx(90 * 40, rel=0.1)


def test_networks_without_that_part_track_as_they_do_without_it(make_network, frame):
    answers = []
    for config in (TrackerConfig(), TrackerConfig(refine_every=1)):
        tracker = Tracker.of(make_network(), config)
        tracker.start(frame, [Box(115, 85, 215, 135)])
        answers.append(tracker.track(frame)[0])

    assert answers[0].box == answers[1].box
    np.testing.assert_array_equal(answers[0].mask.pixels, answers[1].mask.pixels)


def test_it_can_be_switched_on_and_off_while_tracking(network, frame):
    tracker = started(network, frame, replace(FINER, refine_every=0))

    tracker.track(frame)
    before = len(network.given)
    tracker.reconfigure(FINER)
    tracker.track(frame)

    assert (before, len(network.given)) == (0, 1)
