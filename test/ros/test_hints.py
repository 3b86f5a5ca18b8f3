"""A detector that says where lost targets may be."""

import math

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from hypothesis import given, settings
from hypothesis import strategies as st
from vision_msgs.msg import BoundingBox2D, Detection2D, Detection2DArray

from s2iammask.msg import TrackedObject, TrackedObjectArray, TrackEvent
from s2iammask_core import Box
from s2iammask_ros.images.hints import HintCounts, HintStream
from s2iammask_ros.messages.stamps import nanoseconds, time_message

SIZE = (480, 640)
NOW = 1_700_000_000_000_000_000
numbers = st.floats() | st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300, 1e-300])


@pytest.fixture
def detections(box):
    """Makes the message of a detector about the image with a stamp."""

    def make(stamp, *boxes):
        message = Detection2DArray(detections=[Detection2D(bbox=box(*each)) for each in boxes])
        message.header.stamp = time_message(stamp)
        return message

    return make


def test_a_message_serves_the_images_around_its_stamp_and_no_others(detections):
    stream = HintStream()
    stream.add(detections(NOW, (10, 20, 40, 30)))

    seen = [stream.boxes(NOW + age * 10**8, SIZE, 0.25) for age in (-3, -2, 0, 2, 3, 4)]

    assert [len(boxes) for boxes in seen] == [0, 1, 1, 1, 0, 0]
    assert seen[2] == [Box(10, 20, 50, 50)]
    assert stream.counts == HintCounts(hints=1, hints_refused=0, hints_stale=1)


def test_the_newest_message_counts_even_if_it_is_empty(detections):
    stream = HintStream()
    stream.add(detections(NOW, (10, 20, 40, 30)))
    stream.add(detections(NOW + 1))

    assert stream.boxes(NOW + 1, SIZE, 0.5) == []


def test_boxes_that_cannot_be_are_counted_and_not_used(detections):
    stream = HintStream()
    bad = [(math.nan, 0, 10, 10), (10, 10, 0, 10), (10, 10, -30, 10), (900, 20, 40, 40), (0, 0, 1e9, 1e9)]
    stream.add(detections(NOW, *bad, (10, 20, 40, 30)))

    for _ in range(3):
        assert stream.boxes(NOW, SIZE, 0.5) == [Box(10, 20, 50, 50)]
    assert stream.counts == HintCounts(hints=6, hints_refused=5)


def test_a_flood_of_boxes_is_cut_off(detections):
    stream = HintStream()
    stream.add(detections(NOW, *[(10, 20, 40, 30)] * 1000))

    assert len(stream.boxes(NOW, SIZE, 0.5)) == 256
    assert stream.counts == HintCounts(hints=1000, hints_refused=744)


@settings(max_examples=200, deadline=None)
@given(numbers, numbers, numbers, numbers, numbers)
def test_no_box_whatsoever_is_an_error(x, y, theta, width, height):
    bbox = BoundingBox2D(size_x=width, size_y=height)
    bbox.center.position.x, bbox.center.position.y, bbox.center.theta = x, y, theta
    stream = HintStream()
    stream.add(Detection2DArray(detections=[Detection2D(bbox=bbox)]))

    found = stream.boxes(0, SIZE, 0.5)

    assert len(found) + stream.counts.hints_refused == 1
    assert all(math.isfinite(side) for each in found for side in each.xywh)


def test_a_lost_target_is_found_where_a_detector_hints(world, make_node, scene, colours, box, detections):
    node = make_node(hints=True, redetect_patches=0, report_period=0.1)  # without a hint, only the old place
    camera = world.camera()
    tracks, events = (
        world.listen(TrackedObjectArray, "tracker/tracks"),
        world.listen(TrackEvent, "tracker/events"),
    )
    reports = world.listen(DiagnosticArray, "/diagnostics")
    detector = world.robot.create_publisher(Detection2DArray, "hints", 10)
    here, nowhere, elsewhere = (
        scene(*blocks, height=480, width=640)
        for blocks in ([(60, 60, 60, 40, colours[0])], [], [(540, 400, 60, 40, colours[0])])
    )
    world.spin_until(lambda: node.counts().received, lambda: camera.show(here))
    assert world.start(boxes=[box(60, 60, 60, 40)], ids=["red"]).success
    world.spin_until(lambda: state(tracks) == TrackedObject.LOST, lambda: camera.show(nowhere))
    shown = {camera.show(elsewhere) for _ in range(3)}
    world.spin_until(lambda: nanoseconds(tracks[-1].header.stamp) in shown)
    assert state(tracks) == TrackedObject.LOST

    world.spin_until(
        lambda: state(tracks) == TrackedObject.TRACKING,
        lambda: detector.publish(detections(camera.show(elsewhere), (200, 20, 50, 50), (530, 405, 70, 40))),
    )

    assert tracks[-1].objects[0].box.center.position.x == pytest.approx(570, abs=3)
    world.spin_until(lambda: events and events[-1].reason == TrackEvent.FOUND_BY_HINT)
    world.spin_until(lambda: int(values(reports)["hints"]) >= 2)


def state(tracks):
    return tracks[-1].objects[0].state if tracks and tracks[-1].objects else None


def values(reports):
    stream = next(each for each in reports[-1].status if each.name == "tracker: image")
    return {pair.key: pair.value for pair in stream.values}


def test_nobody_listens_to_hints_unless_a_setting_says_so(world, make_node):
    node = make_node()
    world.spin_until(lambda: node.pipeline and node.pipeline.cameras)

    assert node.count_subscribers("image") == 1
    assert node.count_subscribers("hints") == 0
