"""Masks of the frame in the windows of searches and templates."""

import numpy as np
import pytest

from s2iammask_core.geometry import PRIOR_CELLS, Crop
from s2iammask_core.tracking.regions import NO_MASK
from s2iammask_core.tracking.shapes import UNKNOWN, priors, remembered
from s2iammask_core.tracking.track import MaskRegion

SIZE = (240, 320)


def block(x, y, width, height, probability=1.0):
    return MaskRegion(
        x, y, np.ones((height, width), np.bool_), np.full((height, width), probability, np.float32)
    )


def windows(*rows, pixels):
    """Windows given by their left edge, upper edge and side."""
    values = np.array(rows, np.float64)
    return Crop(values[:, :2] + values[:, 2:] / 2, values[:, 2], pixels)


def test_a_prior_is_exact_where_the_mask_ends_between_cells():
    crop = windows((20, 10, 256), pixels=255)  # cells of four frame pixels

    (map_,) = priors([block(20 + 64, 10 + 32, 64, 96)], crop)

    wanted = np.zeros((PRIOR_CELLS, PRIOR_CELLS), np.float32)
    wanted[8:32, 16:32] = 1
    np.testing.assert_allclose(map_, wanted, atol=1e-6)


def test_a_cell_that_a_mask_fills_in_part_has_its_share():
    crop = windows((0, 0, 256), pixels=255)

    (map_,) = priors([block(66, 64, 64, 64)], crop)

    np.testing.assert_allclose(map_[16:32, 16], 0.5, atol=1e-6)
    np.testing.assert_allclose(map_[16:32, 32], 0.5, atol=1e-6)
    assert map_.sum() * 16 == pytest.approx(64 * 64)


def test_windows_of_several_targets_have_their_own_masks_and_none_without_one():
    crop = windows((0, 0, 128), (100, 50, 64), (0, 0, 128), (0, 0, 128), pixels=255)

    first, second, third, fourth = priors([block(0, 0, 128, 64), block(110, 60, 9, 9), None, NO_MASK], crop)

    assert first[:32].min() == 1
    assert not first[33:].any()
    assert second.sum() == pytest.approx(81)
    assert not third.any()
    assert not fourth.any()


def test_what_is_remembered_is_the_mask_itself_in_a_window_of_the_frames_scale():
    shape = block(60, 70, 30, 20, probability=0.75)
    crop = windows((40, 50, 127), pixels=127)

    (map_,) = remembered([shape], crop, SIZE)

    wanted = np.zeros((127, 127), np.float32)
    wanted[20:40, 20:50] = 0.75
    np.testing.assert_allclose(map_, wanted, atol=1e-6)


def test_outside_the_frame_it_is_unknown_whether_anything_is_the_object():
    crop = windows((-10, 200, 127), pixels=127)  # over the left and the lower edge

    (map_,) = remembered([block(0, 210, 20, 30)], crop, SIZE)

    assert (map_[:, :10] == UNKNOWN).all()
    assert (map_[40:] == UNKNOWN).all()
    inside = map_[:40, 10:]
    assert (inside[10:, :20] == 1).all()
    assert (inside >= 0).all()
    assert inside.sum() == 20 * 30


def test_without_a_mask_nothing_is_remembered_anywhere():
    crop = windows((-10, 200, 127), (40, 50, 127), pixels=127)

    assert not remembered([None, NO_MASK], crop, SIZE).any()
