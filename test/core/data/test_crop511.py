"""The method's crops of 511 pixels around an object."""

import numpy as np
import pytest

from s2iammask_core.boxes import Box
from s2iammask_core.data.crop511 import box_in_crop, crop_mask, crop_picture


def test_an_object_lies_in_the_middle_of_its_crop_at_the_scale_of_the_template():
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[30:60, 20:60] = 255

    crop = crop_picture(picture, Box(20, 30, 60, 60), (0.0, 0.0, 0.0))

    zoom = 127 / np.sqrt(75 * 65)  # 40 + 35 by 30 + 35, half of the sides as margin
    rows, columns = np.nonzero(crop[..., 0] > 127)
    assert crop.shape == (511, 511, 3)
    assert columns.min() == pytest.approx(255.5 - 20 * zoom, abs=0.6)
    assert columns.max() + 1 == pytest.approx(255.5 + 20 * zoom, abs=0.6)
    assert rows.max() + 1 - rows.min() == pytest.approx(30 * zoom, abs=1)


def test_the_box_in_a_crop_is_that_of_the_object_drawn_there():
    mask = np.zeros((120, 160), bool)
    mask[30:60, 20:60] = True

    pixels = crop_mask(mask, Box(20, 30, 60, 60), 0.5)

    rows, columns = np.nonzero(pixels)
    drawn = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    box = box_in_crop(40, 30)
    assert drawn == pytest.approx((box.x1, box.y1, box.x2, box.y2), abs=0.6)


def test_the_middle_of_a_crop_is_the_template():
    """A ramp over the frame: the central 127 pixels begin and end where the object's context does."""
    picture = np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 200, axis=0).repeat(3, axis=2)

    middle = crop_picture(picture, Box(80, 80, 120, 120), (0.0, 0.0, 0.0))[255, 192:319, 0]

    assert middle[0] == pytest.approx(100 - 40, abs=1)  # a square of 40 has a context of 80
    assert middle[-1] == pytest.approx(100 + 40 - 1, abs=1)


def test_outside_the_frame_a_crop_has_the_given_colour_and_no_object():
    picture, mask = np.full((60, 60, 3), 200, np.uint8), np.ones((60, 60), bool)
    box = Box(0, 0, 40, 40)

    assert crop_picture(picture, box, (10.0, 20.0, 30.0))[0, 0].tolist() == [10, 20, 30]
    assert crop_mask(mask, box, 0.5)[0, 0] == 0


def test_the_mask_threshold_decides_about_the_rim():
    mask = np.zeros((60, 60), bool)
    mask[20:40, 20:40] = True

    low, high = (crop_mask(mask, Box(20, 20, 40, 40), threshold) for threshold in (0.2, 0.5))

    assert set(np.unique(low)) == {0, 255}
    assert low.astype(bool).sum() > high.astype(bool).sum()
    assert high.astype(bool).sum() == pytest.approx(63.5**2, rel=0.03)
