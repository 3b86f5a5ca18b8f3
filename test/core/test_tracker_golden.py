"""The SiamMask step against numbers from the original code."""

import json
from pathlib import Path

import numpy as np
import pytest

from s2iammask_core import Box, Tracker, TrackerConfig
from s2iammask_core.geometry import mean_colour
from s2iammask_core.tracking.siammask import shrunk_box, whole_pixel_patch
from s2iammask_core.tracking.target import Target

GOLDEN = json.loads((Path(__file__).parents[1] / "data/golden/tracker_sharp.json").read_text())
START = Box.from_center(*GOLDEN["init"]["target_pos"], *GOLDEN["init"]["target_sz"])
SETTINGS = TrackerConfig(
    compat="siammask", penalty_k=0.04, window_influence=0.4, size_rate=1.0, mask_threshold=0.35
)


def golden_frame(t):
    """A turning ellipse that moves over waves of colour."""
    y, x = np.mgrid[:240, :320].astype(float)
    blue = 120 + 50 * np.sin(x / 17 + 0.3) + 40 * np.cos(y / 23)
    green = 110 + 60 * np.sin((x + y) / 31)
    red = 128 + 45 * np.cos(x / 13 - y / 19)
    dx, dy, angle = x - (150 + 4 * t), y - (115 + 2 * t), np.deg2rad(10 * t)
    u, v = dx * np.cos(angle) + dy * np.sin(angle), -dx * np.sin(angle) + dy * np.cos(angle)
    inside = (u / 34) ** 2 + (v / 20) ** 2 < 1
    blue, green = np.where(inside, 230, blue), np.where(inside, 60 + 40 * np.sin(u / 3), green)
    red = np.where(inside, 40 + 30 * np.cos(v / 4), red)
    return np.clip(np.round(np.stack([red, green, blue], axis=-1)), 0, 255).astype(np.uint8)


def cyclic_corners(corners):
    """Corners in an order that does not depend on where one starts to count."""
    return sorted(tuple(corner) for corner in np.asarray(corners, float).tolist())


def test_four_steps_are_those_of_the_original(golden_network):
    tracker = Tracker.of(golden_network("siammask_sharp"), SETTINGS)
    tracker.start(golden_frame(0), [START])

    for step in GOLDEN["refine_steps"]:
        (track,) = tracker.track(golden_frame(step["t"]))
        (target,) = tracker.targets

        assert track.score == pytest.approx(step["score"], abs=1e-5)
        assert (target.cx, target.cy) == pytest.approx(step["target_pos"], abs=1e-3)
        assert (target.width, target.height) == pytest.approx(step["target_sz"], abs=1e-3)
        assert track.mask.area == step["mask_area"]
        assert cyclic_corners(track.rotated_box.corners.round(2)) == cyclic_corners(step["polygon"])


@pytest.mark.parametrize("case", sorted(GOLDEN["crops"]))
def test_whole_pixel_patches_are_those_of_the_original(case):
    expected, frame = GOLDEN["crops"][case], golden_frame(0)
    target = Target(1, *expected["pos"], 0.0, 0.0, START, mean_colour(frame))

    patch = whole_pixel_patch(frame, target, expected["original_sz"], expected["model_sz"])

    assert patch.sum() == pytest.approx(
        expected["sum"], abs=5
    )  # OpenCV's versions round a few pixels otherwise
    assert patch[-1, -1, ::-1].tolist() == expected["last"]  # the original has blue first


def test_the_frame_is_the_one_the_numbers_were_made_on():
    assert golden_frame(0).sum() == GOLDEN["frame0_sum"]
    assert mean_colour(golden_frame(0))[::-1] == pytest.approx(GOLDEN["avg_chans_frame0"])


def test_an_upright_polygon_starts_one_pixel_larger_as_in_the_original():
    corners = np.float32([[10, 20], [50, 20], [50, 40], [10, 40]])

    assert shrunk_box(corners) == Box(9.5, 19.5, 50.5, 40.5)
