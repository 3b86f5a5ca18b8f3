"""How one sighting changes what is remembered."""

from dataclasses import replace

import numpy as np
import pytest

from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.config import TrackerConfig
from s2iammask_core.tracking.target import Sighting, Target, follow
from s2iammask_core.tracking.track import MaskRegion

FRAME = (200, 300)
FROM_MASK = TrackerConfig(state_from_mask=True, min_mask_fit=0.5)
PROPOSAL = Box(110, 60, 190, 120)
PART = Box(110, 60, 140, 90)


@pytest.fixture
def target():
    return Target(1, 150, 90, 80, 60, PROPOSAL, (0.0, 0.0, 0.0))


def seen_as(mask_box):
    pixels = np.ones((int(mask_box.height), int(mask_box.width)), np.bool_)
    mask = MaskRegion(int(mask_box.x1), int(mask_box.y1), pixels, pixels.astype(np.float32))
    outline = (mask_box, RotatedBox.from_box(mask_box))
    return Sighting(0.9, 0.9, PROPOSAL, 1.0, mask, outline, mask_box)


def test_a_mask_of_a_part_does_not_draw_the_search_onto_the_part(target):
    config = TrackerConfig(min_mask_fit=0.5)

    after, track = follow(target, seen_as(PART), 0.9, config, FRAME)

    assert (after.cx, after.cy, after.width, after.height) == pytest.approx((150, 90, 80, 60))
    assert track.box.iou(PROPOSAL) == pytest.approx(1)
    assert track.mask.area == 900
    assert track.fit == pytest.approx(900 / 4800)


def test_a_mask_that_fits_the_proposal_decides(target):
    nearly = Box(112, 60, 190, 118)

    after, track = follow(target, seen_as(nearly), 0.9, FROM_MASK, FRAME)

    assert track.box == nearly
    assert (after.width, after.height) == (78, 58)


def test_without_a_least_fit_every_mask_decides(target):
    after, track = follow(target, seen_as(PART), 0.9, replace(FROM_MASK, min_mask_fit=0.0), FRAME)

    assert track.box == PART
    assert after.width == 30
