import math

import numpy as np
import pytest

from s2iammask_core.boxes import Box
from s2iammask_core.tracking.regions import NO_MASK, mask_region, outline
from s2iammask_core.tracking.track import MaskRegion

SIZE = (200, 300)


def levels(x1, y1, x2, y2, value=10, pixels=255):
    found = np.zeros((pixels, pixels), np.uint8)
    found[y1:y2, x1:x2] = value
    return found


def region_of(pixels, x=0, y=0):
    return MaskRegion(x, y, pixels, pixels.astype(np.float32))


def test_a_mask_comes_back_to_the_frame_pixel_for_pixel():
    region = mask_region(levels(50, 60, 90, 80), 10, 5.5, (7.0, 11.0, 255.0), SIZE)

    expected = np.zeros(SIZE, bool)
    expected[71:91, 57:97] = True
    assert np.array_equal(region.full(*SIZE), expected)


def test_the_outline_is_smooth_between_patch_pixels():
    region = mask_region(levels(100, 100, 140, 140), 10, 5.5, (0.0, 0.0, 127.5), SIZE)

    assert region.area == 20 * 20


def test_the_probability_is_the_share_of_the_votes():
    region = mask_region(levels(50, 60, 90, 80, value=7), 10, 5.5, (0.0, 0.0, 255.0), SIZE)

    assert region.probability[70 - region.y, 70 - region.x] == pytest.approx(0.7)


def test_a_mask_beyond_the_frame_is_cut_at_its_edge():
    region = mask_region(levels(0, 0, 255, 255), 10, 5.5, (-100.0, 90.0, 255.0), SIZE)

    expected = np.zeros(SIZE, bool)
    expected[90:, :155] = True
    assert np.array_equal(region.full(*SIZE), expected)


@pytest.mark.parametrize("window", [(-400.0, 0.0, 255.0), (0.0, 900.0, 255.0)])
def test_a_mask_wholly_beyond_the_frame_is_empty(window):
    assert mask_region(levels(0, 0, 255, 255), 10, 5.5, window, SIZE) is NO_MASK


def test_no_votes_make_no_mask():
    assert mask_region(levels(0, 0, 0, 0), 10, 5.5, (0.0, 0.0, 255.0), SIZE) is NO_MASK
    assert outline(NO_MASK, 0) is None


def test_the_outline_of_an_upright_mask_is_its_exact_box():
    pixels = np.zeros((50, 60), bool)
    pixels[10:30, 5:45] = True

    box, rotated = outline(region_of(pixels, x=100, y=200), 100)

    assert box == Box(105, 210, 145, 230)
    assert rotated.box == box
    assert rotated.theta == 0


def test_the_outline_of_a_turned_mask_has_its_angle():
    rows, columns = np.mgrid[:200, :200] + 0.5 - 100
    angle = math.radians(25)
    along = columns * math.cos(angle) + rows * math.sin(angle)
    across = rows * math.cos(angle) - columns * math.sin(angle)

    _, rotated = outline(region_of((abs(along) < 45) & (abs(across) < 15)), 100)

    assert rotated.theta == pytest.approx(angle, abs=0.02)
    assert (rotated.width, rotated.height) == pytest.approx((90, 30), abs=1)
    assert (rotated.cx, rotated.cy) == pytest.approx((100, 100), abs=0.3)


def test_only_the_largest_part_is_outlined():
    pixels = np.zeros((100, 100), bool)
    pixels[5:9, 5:9] = True
    pixels[40:80, 40:80] = True

    assert outline(region_of(pixels), 100)[0] == Box(40, 40, 80, 80)


def test_a_small_mask_has_no_outline():
    pixels = np.zeros((100, 100), bool)
    pixels[5:12, 5:12] = True

    assert outline(region_of(pixels), 100) is None
