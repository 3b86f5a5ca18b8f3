import json
import struct

import cv2
import numpy as np
import pytest

from s2iammask_core.page.pictures import Picture, outlines
from s2iammask_core.tracking.track import MaskRegion, TrackState


def opened(message):
    (length,) = struct.unpack_from("<I", message)
    return json.loads(message[4 : 4 + length]), message[4 + length :]


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_a_message_holds_the_picture_and_what_is_tracked_in_it(make_picture, make_seen):
    header, jpeg = opened(make_picture(12_000_000_007, seen=[make_seen("7")]).message("front", 3, 640))

    assert (header["camera"], header["number"], header["stamp"]) == ("front", 3, "12000000007")
    assert (header["width"], header["height"]) == (96, 48)
    (target,) = header["objects"]
    assert (target["id"], target["label"], target["state"], target["age"]) == ("7", "cup", "tracking", 1.5)
    assert target["box"] == [13, 22, 6, 4, 0]
    assert decoded(jpeg).shape == (48, 96, 3)


def test_a_red_picture_stays_red():
    frame = np.full((32, 32, 3), (220, 20, 20), np.uint8)

    _, jpeg = opened(Picture(0, (32, 32), (), lambda: frame).message("", 1, 640))

    assert abs(decoded(jpeg)[16, 16].astype(int) - (20, 20, 220)).max() < 12


def test_a_wide_picture_is_made_as_small_as_the_viewer_wishes():
    frame = np.zeros((900, 1600, 3), np.uint8)

    header, jpeg = opened(Picture(0, (900, 1600), (), lambda: frame).message("", 1, 500))

    assert header["width"] == 1600
    assert decoded(jpeg).shape[:2] == (360, 640)


@pytest.mark.parametrize("width", [960, 640, 320])
def test_a_fine_line_stays_in_a_smaller_picture_wherever_it_is(width):
    frame = np.zeros((64, 1280, 3), np.uint8)
    frame[:, ::17] = 255

    _, jpeg = opened(Picture(0, (64, 1280), (), lambda: frame).message("", 1, width))

    row = decoded(jpeg)[:, :, 1].mean(axis=0)
    assert row.shape == (width,)
    places = (np.arange(0, 1280, 17) * width) // 1280
    assert min(row[max(place - 1, 0) : place + 2].max() for place in places) > 40


def test_viewers_of_one_width_share_what_was_made(make_picture):
    shared = make_picture()

    assert shared.message("", 1, 640) is shared.message("", 1, 640)


def test_the_jpeg_of_a_camera_is_passed_on_as_it_is():
    picture = Picture(0, (480, 640), (), jpeg=b"not even a picture")

    assert opened(picture.message("", 1, 640))[1] == b"not even a picture"


@pytest.mark.parametrize("hole", [False, True])
def test_outlines_filled_give_the_mask_again(hole):
    pixels = cv2.circle(np.zeros((40, 60), np.uint8), (25, 20), 15, 1, cv2.FILLED)
    if hole:
        cv2.circle(pixels, (25, 20), 6, 0, cv2.FILLED)
    mask = MaskRegion(100, 50, pixels > 0, pixels.astype(np.float32))

    lines = [np.reshape(each, (-1, 2)) - (100, 50) for each in outlines(mask)]

    filled = cv2.fillPoly(np.zeros((40, 60), np.uint8), lines, 1)
    cv2.polylines(filled, lines, True, 1)  # as the page does: the line completes the pixels at the edge
    union = (filled > 0) | mask.pixels
    assert ((filled > 0) & mask.pixels).sum() / union.sum() > (0.9 if hole else 0.999)


def test_a_lost_target_has_no_mask(make_seen):
    assert make_seen(state=TrackState.LOST).record()["outlines"] == []
