import numpy as np
import pytest
import torch

from s2iammask_core import geometry, sampling
from s2iammask_core.geometry import Crop, context_side, mean_colour

GREY = np.array([[90.0, 100.0, 110.0]])


def crop(cx, cy, side, pixels=64):
    return Crop(np.array([[cx, cy]]), np.array([side]), pixels)


def cut_on_host(frame, crop, border):
    return torch.from_numpy(geometry.cut(frame, crop, border))


def cut_on_device(frame, crop, border):
    there = Crop(torch.from_numpy(crop.centers), torch.from_numpy(crop.sides), crop.pixels)
    frames = torch.tensor([[0, *frame.shape[:2]]]).expand(len(crop.sides), 3)
    return sampling.cut(torch.from_numpy(frame.reshape(-1, 3)), frames, there, torch.from_numpy(border))


def ramp(height=60, width=80):
    """A frame whose red is the column and whose green is the row; both at pixel centres."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.full_like(rows, 7)], axis=-1).astype(np.uint8)


def smooth(height=90, width=120):
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(columns / 9 + k) * np.cos(rows / (7 + k)) for k in range(3)]
    return (127 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)


def test_a_square_box_without_context_is_its_own_window():
    assert context_side(20.0, 20.0, 0.0) == 20.0


def test_the_context_adds_a_share_of_the_mean_side():
    assert context_side(40.0, 40.0, 0.5) == pytest.approx(80.0)


def test_the_search_window_is_centred_on_the_object():
    window = crop(50.0, 30.0, 40.0)

    middle = window.to_patch(np.array([[50.0, 30.0, 50.0, 30.0]]))

    assert middle.tolist() == [[32.0] * 4]


@pytest.mark.parametrize("array", [np.array, torch.tensor])
def test_patch_and_frame_coordinates_are_inverse_for_every_target(array):
    windows = Crop(array([[50.3, 30.1], [-7.0, 99.5]]), array([33.3, 400.0]), 255)
    boxes = array([[[1.0, 2.0, 30.0, 40.0], [-5.0, 0.0, 3.0, 9.5]], [[7.0, 7.0, 8.0, 9.0], [0, 0, 255, 255]]])

    for found in (windows.to_frame(windows.to_patch(boxes)), windows.to_patch(windows.to_frame(boxes))):
        assert found.shape == boxes.shape
        assert abs(found - boxes).max() < 1e-3


def test_windows_on_the_device_lie_where_those_on_the_host_do():
    host = Crop(np.array([[50.3, 30.1], [-7.0, 99.5]]), np.array([33.3, 400.0]), 255)
    device = Crop(torch.from_numpy(host.centers), torch.from_numpy(host.sides), 255)
    boxes = np.array([[1.0, 2.0, 30.0, 40.0], [7.0, 7.0, 8.0, 9.0]])

    assert device.origins.numpy() == pytest.approx(host.origins)
    assert device.to_patch(torch.from_numpy(boxes)).numpy() == pytest.approx(host.to_patch(boxes))


@pytest.mark.parametrize("cut", [cut_on_host, cut_on_device])
def test_a_window_of_whole_pixels_at_its_own_size_is_copied(cut):
    patch = cut(ramp(), crop(30.0, 20.0, 16.0, pixels=16), GREY)

    torch.testing.assert_close(patch[0, 0, 0], torch.arange(22.0, 38.0))
    torch.testing.assert_close(patch[0, 1, :, 0], torch.arange(12.0, 28.0))


def test_the_gather_is_exact_to_the_grey_level_on_a_ramp_at_any_scale():
    window = crop(30.0, 20.0, 24.0, pixels=32)

    patch = cut_on_device(ramp(), window, GREY)

    centers = (
        18.0 + (torch.arange(32) + 0.5) * 24 / 32 - 0.5
    )  # a pixel's value is its index, half a pixel less
    torch.testing.assert_close(patch[0, 0, 5], centers.round())


@pytest.mark.parametrize(
    ("cx", "cy", "side"), [(60.0, 45.0, 50.3), (3.3, 4.4, 61.0), (119.0, 88.2, 300.7), (60.1, 44.7, 12.9)]
)
def test_host_and_device_cut_the_same_patch(cx, cy, side):
    frame, window = smooth(), crop(cx, cy, side, pixels=127)

    host, device = cut_on_host(frame, window, GREY), cut_on_device(frame, window, GREY)

    assert (host - device).abs().max() <= 1.5
    assert (host - device).abs().mean() <= 0.35


@pytest.mark.parametrize("cut", [cut_on_host, cut_on_device])
def test_a_window_outside_the_frame_shows_the_border(cut):
    patch = cut(smooth(), crop(-500.0, 900.0, 60.0), GREY)

    assert patch.unique().tolist() == [90.0, 100.0, 110.0]


@pytest.mark.parametrize("cut", [cut_on_host, cut_on_device])
def test_several_windows_are_cut_at_once_each_with_its_border(cut):
    windows = Crop(np.array([[30.0, 20.0], [-90.0, 0.0]]), np.array([16.0, 16.0]), 16)
    borders = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])

    patches = cut(ramp(), windows, borders)

    assert patches.shape == (2, 3, 16, 16)
    assert patches[1, :, 4, 4].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("as_frame", [np.asarray, torch.from_numpy])
def test_the_mean_colour_is_that_of_the_frame(as_frame):
    assert mean_colour(as_frame(ramp())) == pytest.approx((39.5, 29.5, 7.0))
