"""Records to messages and back."""

import math
import tracemalloc
from array import array

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from s2iammask.msg import TrackedObject, TrackEvent
from s2iammask.srv import StartTracking
from s2iammask_core import Box, MaskRegion, RotatedBox, Track, TrackState, mask_from_runs
from s2iammask_core.errors import S2iamMaskError, TargetError
from s2iammask_core.overlay import label_image
from s2iammask_ros.messages.arrays import byte_array
from s2iammask_ros.messages.boxes import rotated_from_message, rotated_to_message
from s2iammask_ros.messages.stamps import nanoseconds, time_message
from s2iammask_ros.outputs.conversions import (
    contour,
    gray_to_image,
    labels_to_image,
    rgb_to_image,
    tight,
    tracked_to_message,
    tracked_with_runs,
)
from s2iammask_ros.targets.records import Reason, Tracked
from s2iammask_ros.targets.requests import candidates


def region(x, y, pixels):
    pixels = np.array(pixels, np.bool_)
    return MaskRegion(x, y, pixels, pixels.astype(np.float32))


def tracked(mask, state=TrackState.TRACKING):
    box = Box(10, 20, 30, 60)
    track = Track(1, state, 0.9, 0.8, 0.7, box, RotatedBox.from_box(box), mask)
    return Tracked("cup", "a cup", 5, track)


@pytest.mark.parametrize("stamp", [0, 1, 1_700_000_000_123_456_789, -1])
def test_stamps_keep_every_nanosecond(stamp):
    assert nanoseconds(time_message(stamp)) == stamp


def test_a_rotated_box_survives_the_way_through_a_message():
    box = RotatedBox(100.0, 50.0, 40.0, 20.0, 0.3)
    assert rotated_from_message(rotated_to_message(box)) == box


def test_theta_is_positive_from_x_towards_y():
    """A quarter of a half turn takes the right end of a box down, as y points down."""
    corners = rotated_from_message(rotated_to_message(RotatedBox(0, 0, 40, 2, math.pi / 4))).corners
    right = corners[np.argmax(corners[:, 0])]
    assert right[1] > 10


def test_boxes_of_whole_numbers_become_floats():
    message = rotated_to_message(RotatedBox(1, 2, 3, 4, 0))
    assert {type(message.size_x), type(message.center.position.x), type(message.center.theta)} == {float}


def test_the_region_is_the_smallest_around_the_mask():
    loose = region(100, 50, [[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]])

    close = tight(loose)

    assert (close.x, close.y, close.pixels.shape) == (101, 51, (2, 2))
    assert close.area == loose.area


@pytest.mark.parametrize("shape", [(0, 0), (3, 4)])
def test_an_empty_mask_has_an_empty_region(shape):
    found = tracked_to_message(tracked(region(7, 7, np.zeros(shape))), Header())

    assert (found.region.x_offset, found.region.width, found.region.height) == (0, 0, 0)
    assert len(found.mask.data) == 0
    assert found.polygon == []


def test_a_message_says_all_of_a_track():
    pixels = np.ones((40, 20), np.bool_)
    header = Header(frame_id="camera")

    found = tracked_to_message(tracked(region(10, 20, pixels), TrackState.UNCERTAIN), header)

    assert (found.id, found.label, found.state) == ("cup", "a cup", TrackedObject.UNCERTAIN)
    assert (found.confidence, found.score, found.agreement) == pytest.approx((0.9, 0.8, 0.7))
    assert (found.region.x_offset, found.region.y_offset) == (10, 20)
    assert (found.mask.width, found.mask.height, found.mask.encoding) == (20, 40, "mono8")
    assert found.mask.header is header
    assert len(found.mask_runs) == 0
    assert set(found.mask.data) == {255}
    assert [(corner.x, corner.y) for corner in found.corners] == [(10, 20), (30, 20), (30, 60), (10, 60)]
    assert nanoseconds(found.state_since) == 5


def test_with_runs_the_same_mask_takes_a_fraction_of_the_bytes():
    rows, columns = np.mgrid[:100, :80]
    disc = ((rows - 50) / 50) ** 2 + ((columns - 40) / 40) ** 2 < 1
    as_image = tracked_to_message(tracked(region(10, 20, disc)), Header())

    as_runs = tracked_with_runs(tracked(region(10, 20, disc)), Header())

    assert as_runs.region == as_image.region
    assert len(as_runs.mask.data) == 0
    shape = as_runs.region.height, as_runs.region.width
    same = np.frombuffer(as_image.mask.data, np.uint8).reshape(shape) > 0
    assert np.array_equal(mask_from_runs(as_runs.mask_runs, *shape), same)
    assert len(serialize_message(as_runs)) < len(serialize_message(as_image)) / 3


def test_the_polygon_runs_through_the_centres_of_the_outer_pixels():
    points = contour(region(10, 20, np.ones((5, 8))))
    assert sorted(map(tuple, points.tolist())) == [(10.5, 20.5), (10.5, 24.5), (17.5, 20.5), (17.5, 24.5)]


def test_a_curved_outline_is_straightened_by_less_than_a_pixel():
    rows, columns = np.mgrid[:200, :200]
    disc = (rows - 100) ** 2 + (columns - 100) ** 2 < 90**2

    points = contour(region(0, 0, disc))

    assert len(points) < 80
    distances = np.hypot(*(points - 100.5).T)
    np.testing.assert_allclose(distances, 89.5, atol=1.5)


def test_bytes_are_in_an_array_that_rclpy_takes_as_it_is():
    data = byte_array(np.arange(6, dtype=np.uint8).reshape(2, 3)[:, ::2])
    assert (type(data), data.typecode, list(data)) == (array, "B", [0, 2, 3, 5])
    assert len(byte_array(np.zeros((0, 0), np.uint8))) == 0


def test_a_label_image_is_drawn_in_its_message():
    tracks = [tracked(region(2, 1, [[1, 1, 0], [1, 1, 1]])).track]
    tracemalloc.start()

    message = labels_to_image(tracks, (480, 640), Header(frame_id="camera"))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (message.height, message.width, message.step, message.encoding) == (480, 640, 640, "mono8")
    assert message.header.frame_id == "camera"
    assert bytes(message.data) == label_image(tracks, (480, 640)).tobytes()
    assert peak < 1.2 * 480 * 640  # and copied nowhere


@pytest.mark.parametrize(("convert", "shape"), [(gray_to_image, (480, 640)), (rgb_to_image, (480, 640, 3))])
def test_pixels_are_copied_into_a_message_once(convert, shape):
    pixels = np.arange(math.prod(shape), dtype=np.uint8).reshape(shape)
    tracemalloc.start()

    message = convert(pixels, Header(frame_id="camera"))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert bytes(message.data) == pixels.tobytes()
    assert peak < 1.2 * pixels.size


def test_the_reasons_are_those_of_the_message():
    named = {reason.name: int(reason) for reason in Reason}
    assert named == {name: getattr(TrackEvent, name) for name in named}


def label_mask(values, encoding="mono8", big_endian=False):
    kind = np.dtype("u1" if encoding == "mono8" else "u2").newbyteorder(">" if big_endian else "<")
    rows = np.array(values).astype(kind)
    height, width = rows.shape
    return Image(
        height=height,
        width=width,
        step=width * kind.itemsize,
        encoding=encoding,
        is_bigendian=int(big_endian),
        data=byte_array(rows),
    )


@pytest.mark.parametrize(("encoding", "big_endian"), [("mono8", False), ("mono16", False), ("mono16", True)])
def test_each_value_of_a_label_mask_is_a_target(encoding, big_endian):
    mask = label_mask([[0, 1, 2], [2, 0, 1]], encoding, big_endian)

    wanted = candidates(StartTracking.Request(mask=mask, ids=["a", "b"]), 16, 64.0)

    assert [each.id for each in wanted] == ["a", "b"]
    assert wanted[0].target.tolist() == [[False, True, False], [False, False, True]]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (StartTracking.Request(), "boxes or a mask"),
        (
            StartTracking.Request(boxes=[rotated_to_message(RotatedBox(9, 9, 9, 9, 0))], ids=["a", "b"]),
            "2 ids",
        ),
        (StartTracking.Request(boxes=[rotated_to_message(RotatedBox(9, 9, 9, 9, 0))] * 2000), "2000 boxes"),
        (StartTracking.Request(mask=label_mask([[0, 0]])), "empty"),
        (StartTracking.Request(mask=label_mask([[0, 60000]], "mono16")), "60000"),
        (StartTracking.Request(mask=Image(height=1, width=1, encoding="rgb8")), "mono8 or mono16"),
        (StartTracking.Request(mask=Image(height=9, width=9, step=9, encoding="mono8")), "too few"),
        (StartTracking.Request(mask=Image(height=2**31, width=2**31, encoding="mono8")), "max_megapixels"),
    ],
)
def test_a_request_that_cannot_be_understood_is_refused_as_a_whole(request_, words):
    with pytest.raises(S2iamMaskError, match=words):
        candidates(request_, 16, 64.0)


def test_a_mask_has_no_more_targets_than_allowed():
    with pytest.raises(TargetError, match="max_targets"):
        candidates(StartTracking.Request(mask=label_mask([[1, 2, 3, 4, 5]])), 4, 64.0)
