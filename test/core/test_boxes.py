import math
import warnings

import numpy as np
import pytest

from s2iammask_core.boxes import Box, RotatedBox


def test_a_box_is_as_wide_as_its_edges_are_apart():
    box = Box.from_xywh(10, 20, 30, 40)

    assert (box.x2, box.y2, box.width, box.height, box.area) == (40, 60, 30, 40, 1200)


def test_a_box_is_known_by_its_center():
    assert Box.from_center(*Box(1, 2, 5, 10).center, 4, 8) == Box(1, 2, 5, 10)


@pytest.mark.parametrize(
    ("other", "overlap"),
    [(Box(0, 0, 10, 10), 1.0), (Box(5, 0, 15, 10), 1 / 3), (Box(10, 0, 20, 10), 0.0), (Box(3, 3, 3, 3), 0.0)],
)
def test_the_overlap_is_intersection_over_union(other, overlap):
    assert Box(0, 0, 10, 10).iou(other) == pytest.approx(overlap)


def test_an_angle_has_one_name_for_each_undirected_direction():
    assert RotatedBox(0, 0, 2, 1, math.pi / 2).theta == pytest.approx(-math.pi / 2)
    assert RotatedBox(0, 0, 2, 1, math.pi).theta == pytest.approx(0)


def test_a_positive_angle_turns_from_x_towards_y():
    corner = RotatedBox(0, 0, 2, 0, math.pi / 4).corners[1]  # the right end of a flat box

    assert corner.tolist() == pytest.approx([math.sqrt(0.5), math.sqrt(0.5)])


@pytest.mark.parametrize("theta", [-1.5, -0.4, 0.0, 0.3, 1.5])
def test_corners_and_rotated_boxes_are_inverse(theta):
    box = RotatedBox(30, 40, 20, 8, theta)

    back = RotatedBox.from_corners(box.corners)

    found = (back.cx, back.cy, back.width, back.height, back.theta)
    assert found == pytest.approx((30, 40, 20, 8, theta), abs=1e-4)


def test_the_upright_box_of_a_turned_square_is_larger():
    assert RotatedBox(0, 0, 2, 2, math.pi / 4).box.width == pytest.approx(2 * math.sqrt(2))


def test_a_box_lies_around_points():
    assert Box.around(np.float32([[3, 9], [1, 4], [7, 5]])) == Box(1, 4, 7, 9)


def test_a_turned_box_beyond_single_precision_has_infinite_corners():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        corners = RotatedBox(1e300, 0, 2, 2, 0.3).corners

    assert np.isinf(corners[:, 0]).all()
