"""Malformed images, requests and parameters at the running node: it answers or counts each, and lives."""

import math

import cv2
import numpy as np
import pytest
from geometry_msgs.msg import Point, PointStamped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import BoundingBox2D, Detection2D, Detection2DArray, Detection3DArray
from visualization_msgs.msg import MarkerArray

from s2iammask.msg import TrackedObjectArray
from s2iammask_ros.images.encodings import ENCODINGS
from s2iammask_ros.messages.stamps import nanoseconds, time_message
from s2iammask_ros.outputs.conversions import rgb_to_jpeg

MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
sizes = st.integers(0, 40) | st.sampled_from([2**16, 2**31, 2**32 - 1])
numbers = st.floats(-500, 500) | st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300, 1e-300])
stamps = st.integers(0, 2**62) | st.just(0)
words = st.text(max_size=20) | st.sampled_from(["red", "x" * 1000])


@st.composite
def images(draw):
    encodings = st.sampled_from([*ENCODINGS, "", "32FC1", "16UC1", "8UC3", "h264", "\u00fc" * 300])
    return Image(
        height=draw(sizes),
        width=draw(sizes),
        step=draw(sizes),
        encoding=draw(encodings),
        is_bigendian=draw(st.integers(0, 255)),
        data=draw(st.binary(max_size=4000)),
    )


@st.composite
def boxes(draw):
    box = BoundingBox2D(size_x=draw(numbers), size_y=draw(numbers))
    box.center.position.x, box.center.position.y, box.center.theta = (draw(numbers) for _ in range(3))
    return box


values = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | words.filter(lambda text: "\0" not in text)
)


@pytest.fixture
def alive(world, tracking, scene, colours):
    """Says that the node still tracks: a good image gives tracks with its stamp."""
    node, camera = tracking()
    heard = world.listen(TrackedObjectArray, "tracker/tracks")

    def check():
        heard.clear()
        shown = set()
        frame = scene((100, 80, 60, 40, colours[0]))
        world.spin_until(
            lambda: heard and nanoseconds(heard[-1].header.stamp) in shown,
            lambda: shown.add(camera.show(frame)),
        )
        return [found.id for found in heard[-1].objects]

    return node, camera, check


def test_malformed_images_are_counted_one_by_one(world, alive):
    node, camera, check = alive

    @MANY
    @given(images())
    def throw(image):
        before = node.counts()
        image.header.stamp = world.robot.get_clock().now().to_msg()
        camera.publisher.publish(image)
        world.spin_until(lambda: sum_of(node.counts()) > sum_of(before))

    throw()

    counts = node.counts()
    assert counts.received == sum_of(counts)
    check()


def sum_of(counts):
    return counts.processed + counts.dropped + counts.late + counts.failed


def test_malformed_requests_are_answered_one_by_one(world, alive):
    _, _, check = alive

    @MANY
    @given(
        st.lists(boxes(), max_size=3),
        images(),
        st.lists(words, max_size=4),
        st.lists(words, max_size=4),
        stamps,
    )
    def throw(some_boxes, mask, ids, labels, stamp):
        answer = world.start(boxes=some_boxes, mask=mask, ids=ids, labels=labels, stamp=time_message(stamp))

        assert answer.message
        assert len(answer.ids) == len(answer.reasons)
        assert all(
            bool(name) != bool(reason) for name, reason in zip(answer.ids, answer.reasons, strict=True)
        )

    throw()

    check()
    assert world.stop().success


def test_requests_to_stop_what_is_not_there_are_answered_one_by_one(world, alive):
    _, _, check = alive

    @MANY
    @given(st.lists(words.filter(lambda text: text != "red"), min_size=1, max_size=4))
    def throw(ids):
        answer = world.stop(*ids)
        assert not answer.success
        assert answer.message

    throw()

    assert check() == ["red"]


@st.composite
def files(draw):
    """JPEG and PNG files with some bytes changed and the end cut off, and what is no file of an image."""
    kind = draw(st.sampled_from([".jpg", ".png"]))
    data = bytearray(cv2.imencode(kind, np.full((40, 60, 3), 90, np.uint8))[1].tobytes())
    for place, value in draw(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 255)), max_size=6)):
        data[place % len(data)] = value
    return draw(st.sampled_from([bytes(data), bytes(data[: draw(st.integers(0, len(data)))])]) | st.binary())


def test_damaged_jpeg_and_png_images_are_counted_one_by_one(world, make_node, scene):
    node = make_node(image_transport="compressed")
    camera = world.robot.create_publisher(CompressedImage, "image/compressed", 5)
    good = rgb_to_jpeg(scene(), Header())
    world.spin_until(lambda: node.counts().processed, lambda: camera.publish(good))

    @MANY
    @given(files(), words)
    def throw(data, kind):
        before = node.counts()
        camera.publish(CompressedImage(format=kind, data=data))
        world.spin_until(lambda: sum_of(node.counts()) > sum_of(before))

    throw()

    before = node.counts()
    assert before.failed > 0
    world.spin_until(lambda: node.counts().processed > before.processed, lambda: camera.publish(good))


@st.composite
def detections(draw):
    return Detection2DArray(detections=[Detection2D(bbox=box) for box in draw(st.lists(boxes(), max_size=5))])


@st.composite
def cameras(draw):
    k = draw(st.lists(numbers, min_size=9, max_size=9))
    return CameraInfo(height=draw(sizes), width=draw(sizes), k=np.array(k))


def test_malformed_clicks_hints_and_depth_do_not_harm(world, tracking, scene, colours):
    node, camera = tracking(depth=True, hints=True)
    topics = {
        "tracker/click": st.builds(Point, x=numbers, y=numbers, z=numbers),
        "tracker/click_stamped": st.builds(PointStamped, point=st.builds(Point, x=numbers, y=numbers)),
        "hints": detections(),
        "depth": images(),
        "camera_info": cameras(),
    }
    kinds = (Point, PointStamped, Detection2DArray, Image, CameraInfo)
    publishers = {
        topic: world.robot.create_publisher(kind, topic, 5) for topic, kind in zip(topics, kinds, strict=True)
    }
    world.spin_until(lambda: all(each.get_subscription_count() for each in publishers.values()))
    world.listen(Detection3DArray, "tracker/detections_3d")
    world.listen(MarkerArray, "tracker/markers")
    frames = {True: scene((100, 80, 60, 40, colours[0])), False: scene()}  # hints are for what is lost

    @MANY
    @given(st.fixed_dictionaries(topics), st.booleans())
    def throw(messages, seen):
        before, stamp = node.counts().processed, world.robot.get_clock().now().to_msg()
        for topic, message in messages.items():
            if hasattr(message, "header"):
                message.header.stamp = stamp
            publishers[topic].publish(message)
        world.spin_until(
            lambda: node.counts().processed > before, lambda: camera.show(frames[seen], nanoseconds(stamp))
        )

    throw()

    assert node.counts().failed == 0


def test_malformed_parameters_are_refused_or_taken_but_never_harm(world, alive):
    node, _, check = alive
    names = [name for name in node._parameters if not name.startswith("qos_overrides")]

    @MANY
    @given(st.sampled_from(sorted(names)), values)
    def throw(name, value):
        parameter = Parameter(name, value=value).to_parameter_msg()
        request = SetParameters.Request(parameters=[parameter])
        (result,) = world.call(SetParameters, "tracker/set_parameters", request).results
        assert result.successful or result.reason
        if name == "max_age" and result.successful:
            node.set_parameters([Parameter("max_age", value=0.0)])

    throw()

    node.set_parameters([Parameter("use_sim_time", value=False)])
    check()


def test_names_cannot_hide_in_bytes_that_are_no_text(world, alive, box):
    _, _, check = alive
    answer = world.start(boxes=[box(10, 10, 20, 20)], ids=["../../etc/passwd"], labels=["\u202e\n"])
    assert answer.success
    assert "../../etc/passwd" in check()
