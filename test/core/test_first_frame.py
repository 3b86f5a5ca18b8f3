"""How targets begin: with a mask that was given, with one that is found in a box, or without any."""

import cv2
import numpy as np
import pytest
import torch

from s2iammask_core import Box, Tracker, TrackerConfig
from s2iammask_core.geometry import PRIOR_CELLS, Crop, context_side
from s2iammask_core.tracking.first_frame import MAYBE, ROUNDS, ZOOMS, region_of
from s2iammask_core.tracking.shapes import remembered
from s2iammask_core.tracking.windows import FIRST_WINDOW

BLOCK = (120, 90, 60, 40)  # x y width height
BOX = Box(110, 80, 190, 140)  # ten pixels more on each side


@pytest.fixture
def remembering(make_network):
    """Finds its targets by colour; remembers beside it how much of the template's window was object."""

    class Remembering(make_network):
        memory_values = 2

        def __init__(self):
            super().__init__()
            self.masks, self.priors, self.seen = [], [], []

        def template(self, patches, masks):
            self.masks.append(masks.clone())
            amounts = torch.stack([masks.clamp(min=0).sum(dim=(1, 2)), (masks < 0).sum(dim=(1, 2))], dim=1)
            return torch.cat([super().template(patches, masks), amounts], dim=1)

        def search(self, templates, patches, prior):
            self.priors.append(prior.clone())
            self.seen.append(templates.clone())
            return super().search(templates, patches, prior)

    return Remembering()


@pytest.fixture
def filling(remembering):
    """The same, and it fills boxes with what has their colour."""
    remembering.first_pixels = 95
    remembering.boxes = []

    def first_mask(patches, boxes):
        remembering.boxes.append(boxes.clone())
        middle = patches[:, :, 45:50, 45:50].mean(dim=(2, 3), keepdim=True)
        return ((patches - middle).abs().amax(dim=1) < remembering.TOLERANCE).float()

    remembering.first_mask = first_mask
    return remembering


@pytest.fixture
def frame(scene, colours):
    return scene((*BLOCK, colours[0]))


def drawn(frame):
    """The block's own mask, but for a corner of it."""
    x, y, width, height = BLOCK
    mask = np.zeros(frame.shape[:2], np.bool_)
    mask[y : y + height, x : x + width] = True
    mask[y : y + 15, x : x + 15] = False
    return mask


def test_a_given_mask_is_remembered_as_such(remembering, frame):
    mask = drawn(frame)
    tracker = Tracker.of(remembering)

    tracker.start(frame, [mask])

    (target,) = tracker.targets
    np.testing.assert_array_equal(target.shape.full(*mask.shape), mask)
    x, y, width, height = BLOCK
    side = context_side(width, height, TrackerConfig().context)
    window = Crop(np.array([[x + width / 2, y + height / 2]]), np.array([side]), 127)
    wanted = remembered([region_of(mask)], window, mask.shape)
    torch.testing.assert_close(remembering.masks[-1], torch.from_numpy(wanted))
    assert not remembering.seen  # there is nothing to look for


def test_a_tracker_that_shall_not_remember_is_told_nothing_of_masks(remembering, frame):
    tracker = Tracker.of(remembering, TrackerConfig(remember=False))

    tracker.start(frame, [drawn(frame)])
    (track,) = tracker.track(frame)

    assert track.mask.area
    assert not any(bool(each.any()) for each in (*remembering.masks, *remembering.priors))


def test_what_was_given_may_change_afterwards(remembering, frame):
    mask = drawn(frame)
    tracker = Tracker.of(remembering)
    tracker.start(frame, [mask])

    mask[:] = False

    assert tracker.targets[0].shape.area == 60 * 40 - 15 * 15


def test_a_box_gives_the_mask_that_is_found_inside_it(remembering, frame):
    tracker = Tracker.of(remembering)

    tracker.start(frame, [BOX])

    (target,) = tracker.targets
    found = target.shape.full(*frame.shape[:2])
    x, y, width, height = BLOCK
    wanted = np.zeros_like(found)
    wanted[y : y + height, x : x + width] = True
    assert (found & wanted).sum() / (found | wanted).sum() > 0.9
    rows, columns = np.nonzero(found)
    assert columns.min() >= BOX.x1
    assert columns.max() < BOX.x2
    assert rows.min() >= BOX.y1
    assert rows.max() < BOX.y2


def test_the_first_round_of_looks_knows_the_box_and_the_second_what_the_first_one_found(remembering, frame):
    Tracker.of(remembering).start(frame, [BOX])

    assert len(remembering.priors) == ROUNDS * len(ZOOMS)
    first, second = remembering.priors[0], remembering.priors[len(ZOOMS)]
    assert first.max() == MAYBE
    assert second.max() > 0.95
    assert not remembering.seen[0][:, 3:].any()  # nothing is remembered yet
    assert remembering.seen[-1][:, 3].item() > 0


def test_a_network_that_fills_boxes_is_asked_once_and_in_the_mirror_and_looks_no_further(filling, frame):
    Tracker.of(filling).start(frame, [BOX])

    boxes, mirrored = filling.boxes
    assert torch.equal(mirrored, boxes.flip(-1))
    assert boxes.shape == (1, 95, 95)
    assert set(boxes.unique().tolist()) <= {0.0, MAYBE} | set(boxes[(boxes > 0) & (boxes < MAYBE)].tolist())
    side = context_side(80, 60, TrackerConfig().context)
    assert (boxes > MAYBE / 2).sum().item() == pytest.approx(
        80 * 60 * (95 / (FIRST_WINDOW * side)) ** 2, rel=0.05
    )
    assert not filling.seen
    assert filling.masks[-1].sum().item() == pytest.approx(60 * 40 * (127 / side) ** 2, rel=0.05)


def test_what_fills_a_box_is_the_mask_inside_it(filling, scene, colours):
    frame = scene((*BLOCK, colours[0]), (220, 40, 50, 50, colours[1]))
    tracker = Tracker.of(filling)

    tracker.start(frame, [Box(130, 95, 190, 140), drawn(frame), Box(215, 35, 275, 95)])

    first, second, third = (target.shape.full(*frame.shape[:2]) for target in tracker.targets)
    wanted = np.zeros_like(first)
    wanted[95:130, 130:180] = True  # the block goes on outside of the box
    assert (first & wanted).sum() / (first | wanted).sum() > 0.95
    np.testing.assert_array_equal(second, drawn(frame))
    assert third.sum() == pytest.approx(50 * 50, rel=0.05)


def test_a_long_thin_box_is_filled_to_its_ends(filling, scene, colours):
    tracker = Tracker.of(filling)

    tracker.start(scene((20, 100, 280, 14, colours[0])), [Box(20, 100, 300, 114)])

    x, y, width, height = cv2.boundingRect(tracker.targets[0].shape.full(240, 320).view(np.uint8))
    assert (x, y, x + width, y + height) == pytest.approx((20, 100, 300, 114), abs=2)


def test_a_box_at_the_edge_of_the_frame_is_filled_as_far_as_it_is_seen(filling, scene, colours):
    frame = scene((0, 90, 60, 40, colours[0]))
    tracker = Tracker.of(filling)

    tracker.start(frame, [Box(-20, 85, 65, 135)])

    boxes, _ = filling.boxes
    assert boxes.min() == -1  # outside the frame
    assert tracker.targets[0].shape.area == pytest.approx(60 * 40, rel=0.05)


def test_a_box_in_which_nothing_is_found_is_all_that_is_known(remembering, frame, scene):
    def blind(templates, patches, prior):
        return type(remembering).search(remembering, templates + 500, patches, prior)

    remembering.search = blind
    tracker = Tracker.of(remembering)

    tracker.start(frame, [BOX])

    shape = tracker.targets[0].shape
    assert (shape.x, shape.y, shape.pixels.shape) == (110, 80, (60, 80))
    assert shape.pixels.all()
    assert (shape.probability == MAYBE).all()


def test_targets_of_both_kinds_begin_together(remembering, scene, colours):
    frame = scene((*BLOCK, colours[0]), (220, 40, 50, 50, colours[1]))
    tracker = Tracker.of(remembering)

    tracker.start(frame, [drawn(frame), Box(215, 35, 275, 95)])

    first, second = (target.shape for target in tracker.targets)
    np.testing.assert_array_equal(first.full(*frame.shape[:2]), drawn(frame))
    assert second.area == pytest.approx(50 * 50, rel=0.1)


def test_a_network_without_memory_begins_as_it_did(network, frame):
    asked = []
    search = network.search
    network.search = lambda *given: (asked.append(given), search(*given))[1]
    tracker = Tracker.of(network)

    tracker.start(frame, [BOX, drawn(frame)])

    assert [target.shape for target in tracker.targets] == [None, None]
    assert not asked


def test_the_next_frame_is_told_where_the_mask_was(remembering, frame, scene, colours):
    tracker = Tracker.of(remembering, TrackerConfig(state_from_mask=True))
    tracker.start(frame, [BOX])

    tracker.track(scene((124, 92, 60, 40, colours[0])))
    tracker.track(scene((128, 94, 60, 40, colours[0])))

    before, after = remembering.priors[-2:]
    for prior, size in ((before, (80, 60)), (after, (60, 40))):  # of the box, and of what was seen since
        cell = context_side(*size, TrackerConfig().context) * 255 / 127 / PRIOR_CELLS
        assert prior.sum().item() * cell**2 == pytest.approx(60 * 40, rel=0.15)
    assert tracker.targets[0].shape.area == pytest.approx(60 * 40, rel=0.1)


def test_a_lost_target_is_told_nothing(remembering, frame, scene):
    tracker = Tracker.of(remembering, TrackerConfig(redetect_patches=0))
    tracker.start(frame, [BOX])

    for _ in range(30):
        tracker.track(scene())

    assert not remembering.priors[-1].any()


@pytest.fixture
def two(scene, colours):
    return scene((*BLOCK, colours[0]), (220, 40, 50, 50, colours[1]))


def rows_of(tracker, frame, network):
    """What the network is given for each target of a tracker."""
    tracker.track(frame)
    return network.seen[-1]


def test_memories_stay_with_their_targets_when_others_stop_or_join(remembering, two):
    tracker = Tracker.of(remembering, TrackerConfig(check_every=0))
    other = tracker.sibling()
    tracker.start(two, [BOX, Box(215, 35, 275, 95)])
    first, second = rows_of(tracker, two, remembering)

    tracker.stop([1])
    assert torch.equal(rows_of(tracker, two, remembering), second[None])
    tracker.start(two, [BOX])
    assert torch.equal(rows_of(tracker, two, remembering), torch.stack([second, first]))

    other.start(two, [drawn(two)], ids=[7])
    (given,) = rows_of(other, two, remembering)
    tracker.absorb(other)

    assert torch.equal(rows_of(tracker, two, remembering), torch.stack([second, first, given]))
    assert [target.shape is not None for target in tracker.targets] == [True] * 3
    assert not torch.equal(first[3:], given[3:])  # of another mask
