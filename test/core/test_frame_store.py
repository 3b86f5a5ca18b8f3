"""The rows of frames that windows reach, in one place."""

import numpy as np
import pytest
import torch

from s2iammask_core import sampling
from s2iammask_core.geometry import Crop, cut
from s2iammask_core.tracking import frame_store
from s2iammask_core.tracking.frame_store import FrameStore, Rows

CPU = torch.device("cpu")
GREY = np.array([[90.0, 100.0, 110.0]])


def picture(seed, height, width):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def windows(*places, pixels=32):
    """Crops around (x, y, side)."""
    values = np.array(places, float)
    return Crop(values[:, :2], values[:, 2], pixels)


def read(store, frames, *crops):
    """Patches of all windows out of a store."""
    centers, sides = (
        torch.from_numpy(np.concatenate([getattr(crop, name) for crop in crops]))
        for name in ("centers", "sides")
    )
    border = torch.from_numpy(GREY).expand(len(sides), 3)
    return sampling.cut(store.pixels, torch.from_numpy(frames), Crop(centers, sides, crops[0].pixels), border)


def whole(frame, crop):
    """Patches out of a frame that lies in a store of its own."""
    layout = torch.tensor([[0, *frame.shape[:2]]]).expand(len(crop.sides), 3)
    there = Crop(torch.from_numpy(crop.centers), torch.from_numpy(crop.sides), crop.pixels)
    border = torch.from_numpy(GREY).expand(len(crop.sides), 3)
    return sampling.cut(torch.from_numpy(frame.reshape(-1, 3)), layout, there, border)


@pytest.mark.parametrize("as_frame", [np.asarray, torch.from_numpy, lambda frame: frame[:, ::1]])
def test_windows_of_several_frames_read_what_they_would_read_alone(as_frame):
    frames = [picture(0, 90, 120), picture(1, 200, 60), picture(2, 40, 300)]
    crops = [
        windows((30, 20, 40), (110, 85, 33)),
        windows((5, 195, 64)),
        windows((-50, 20, 30), (299, 0, 20)),
    ]
    store = FrameStore(CPU)

    found = read(store, store.load([*zip(map(as_frame, frames), crops, strict=True)]), *crops)

    assert torch.equal(found, torch.cat([whole(*pair) for pair in zip(frames, crops, strict=True)]))


def test_only_rows_that_windows_reach_are_sent():
    frame, store = picture(0, 400, 100), FrameStore(CPU)
    store.reserve([(frame, windows((50, 200, 20)))])
    store.pixels.fill_(0)

    ((first, height, width),) = store.load([(frame, windows((50, 200, 20)))]).tolist()

    sent = int(store.pixels.any(dim=1).nonzero().max()) + 1
    assert sent == 24 * 100  # 20 rows, and two on each side
    assert (first, height, width) == (-188 * 100, 400, 100)


@pytest.mark.parametrize(
    ("middle", "side", "rows"),
    [
        (50.0, 20.0, (38, 62)),
        (0.0, 20.0, (0, 12)),
        (99.0, 30.0, (82, 100)),
        (-70.0, 20.0, (0, 1)),
        (400.0, 20.0, (99, 100)),
        (50.0, 900.0, (0, 100)),
    ],
)
def test_the_rows_of_a_window_lie_in_the_frame(middle, side, rows):
    found = Rows.reached(windows((10.0, middle, side)), 100)

    assert (found.top, found.bottom) == rows


def test_the_store_stays_where_it_is_until_larger_frames_come(monkeypatch):
    monkeypatch.setattr(frame_store, "LEAST", 10_000)
    store = FrameStore(CPU)
    store.load([(picture(0, 60, 80), windows((30, 20, 40)))])
    place = store.pixels.data_ptr()

    store.load([(picture(0, 100, 100), windows((30, 20, 40)))])
    assert store.pixels.data_ptr() == place

    store.load([(picture(0, 101, 100), windows((30, 20, 40)))])
    assert len(store.pixels) == 2**14


def test_what_the_device_cuts_is_near_what_the_host_cuts_and_in_whole_grey_levels():
    frame = picture(3, 120, 160) // 8 * 2 + 60
    crop = windows((60.3, 45.1, 50.3), (3.3, 4.4, 61.0), (150, 110, 90.7))
    store = FrameStore(CPU)

    found = read(store, store.load([(frame, crop)]), crop)

    assert torch.equal(found, found.round())
    host = torch.from_numpy(cut(frame, crop, np.repeat(GREY, 3, axis=0))).permute(0, 3, 1, 2).float()
    assert (found - host).abs().mean() < 0.6
