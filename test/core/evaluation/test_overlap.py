import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2iammask_core.boxes import Box
from s2iammask_core.evaluation.overlap import box_overlap, box_overlaps, polygon_overlap, polygon_overlaps

ROOT = Path(__file__).resolve().parents[3]
PAIRS = json.loads((ROOT / "test/data/eval/vot_synthetic.json").read_text())["pairs"]


def square(x, y, side):
    return np.array([(x, y), (x + side, y), (x + side, y + side), (x, y + side)], np.float32)


@pytest.mark.parametrize("pair", PAIRS)
def test_polygons_overlap_as_in_the_vot_toolkit(pair):
    first, second = np.reshape(pair["a"], (-1, 2)), np.reshape(pair["b"], (-1, 2))

    overlap = polygon_overlap(first, second, pair["bounds"])

    assert overlap == pytest.approx(pair["overlap"], abs=1e-7)


def test_both_ends_of_a_scanline_are_filled():
    overlap = polygon_overlap(square(0, 0, 9), square(5, 0, 9))  # 10 by 10 pixels each, 5 columns in common

    assert overlap == pytest.approx(50 / 150)


def test_what_lies_outside_the_bounds_does_not_count():
    inside = polygon_overlap(square(-10, 0, 19), square(0, 0, 9), bounds=(100, 100))

    assert inside == pytest.approx(1 / 2)  # rows 10 to 19 remain


def test_a_missing_region_has_no_overlap_at_all():
    regions = np.stack([square(0, 0, 9), np.full((4, 2), np.nan, np.float32)])

    overlaps = polygon_overlaps(regions, np.stack([square(0, 0, 9)] * 2))

    assert overlaps[0] == 1
    assert np.isnan(overlaps[1])


def test_repeated_vertices_change_nothing():
    triangle = np.array([(3, 2), (40, 9), (12, 33)], np.float32)
    padded = np.vstack([triangle, triangle[-1:], triangle[-1:]])

    assert polygon_overlap(padded, square(5, 5, 20)) == polygon_overlap(triangle, square(5, 5, 20))


def slow_mask(polygon, width, height):
    """One scanline at a time, as the toolkit's text says it."""
    mask = np.zeros((height, width), bool)
    points = [(int(np.floor(abs(v) + 0.5) * np.sign(v))) for v in polygon.ravel().tolist()]
    corners = list(zip(points[::2], points[1::2], strict=True))
    for row in range(height):
        nodes = []
        for (x, y), (px, py) in zip(corners, [corners[-1], *corners[:-1]], strict=True):
            if y != py and min(y, py) <= row <= max(y, py):
                nodes.append(int(x + (row - y) / (py - y) * (px - x)))
        nodes.sort()
        at = 0
        while at < len(nodes) - 1:
            if nodes[at] == nodes[at + 1]:
                at += 1
                continue
            mask[row, max(nodes[at], 0) : max(min(nodes[at + 1], width - 1) + 1, 0)] = True
            at += 2
    return mask


coordinates = st.integers(0, 60)
polygons = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=9)


@settings(max_examples=200, deadline=None)
@given(polygons, polygons)
def test_scanlines_all_at_once_are_scanlines_one_by_one(first, second):
    a, b = np.array(first, np.float32), np.array(second, np.float32)
    low = np.minimum(a.min(axis=0), b.min(axis=0))
    width, height = (np.maximum(a.max(axis=0), b.max(axis=0)) - low + 1).astype(int)
    meet = (np.minimum(a.max(axis=0), b.max(axis=0)) > np.maximum(a.min(axis=0), b.min(axis=0))).all()
    drawn_a, drawn_b = slow_mask(a - low, width, height), slow_mask(b - low, width, height)
    union = (drawn_a | drawn_b).sum()
    expected = (drawn_a & drawn_b).sum() / union if union and meet else 0.0

    assert polygon_overlap(a, b) == pytest.approx(expected)


def test_boxes_overlap_by_area():
    first = np.array([(0, 0, 10, 10), (0, 0, 10, 10), (0, 0, 0, 0)])
    second = np.array([(5, 0, 10, 10), (20, 20, 5, 5), (0, 0, 0, 0)])

    assert box_overlaps(first, second) == pytest.approx([1 / 3, 0, 0])


def test_boxes_are_compared_outside_the_void():
    truth, wider = Box(4, 4, 8, 8), Box(2, 4, 8, 8)
    void = np.zeros((12, 12), bool)

    assert box_overlap(truth, wider, void) == pytest.approx(truth.iou(wider))
    void[:, 2:4] = True
    assert box_overlap(truth, wider, void) == 1
    assert box_overlap(truth, Box(1.5, 4, 8, 8), void) == pytest.approx(16 / 18)


def test_a_box_that_lies_on_void_alone_overlaps_nothing():
    void = np.ones((12, 12), bool)

    assert box_overlap(Box(4, 4, 8, 8), Box(4, 4, 8, 8), void) == 0
    assert box_overlap(Box(4, 4, 8, 8), Box(-9, -9, -2, -2), np.zeros((12, 12), bool)) == 0
