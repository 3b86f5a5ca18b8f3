"""Images on their way: late ones, slow devices, strange ones, jumps in time."""

import threading

import numpy as np
import pytest
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from s2iammask.msg import Latency, TrackedObject, TrackedObjectArray, TrackEvent
from s2iammask_core import Tracker
from s2iammask_ros.messages.stamps import nanoseconds, time_message
from s2iammask_ros.outputs.conversions import rgb_to_jpeg

SECOND = 1_000_000_000


def stamps_of(arrays):
    return [nanoseconds(array.header.stamp) for array in arrays]


def reasons_of(events):
    return [event.reason for event in events]


def test_tracking_starts_in_the_image_that_the_box_was_drawn_on(world, tracking, red, box):
    _, camera = tracking(history_seconds=10.0)
    world.stop()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    shown = {}
    for x in range(20, 200, 12):  # further each than a start on the newest image could bridge
        stamp = camera.show(red(x, 80))
        shown[stamp] = x
        world.spin_until(lambda stamp=stamp: stamp in stamps_of(tracks))
    old = min(shown)

    answer = world.start(boxes=[box(shown[old], 80, 60, 40)], stamp=time_message(old))
    newest = camera.show(red(200, 80))
    world.spin_until(lambda: newest in stamps_of(tracks))

    assert answer.success, answer.message
    assert nanoseconds(answer.stamp) == old
    assert tracks[-1].objects[0].box.center.position.x == pytest.approx(230, abs=4)


def test_a_stamp_that_is_not_kept_is_refused_with_what_is(world, tracking, box):
    tracking()

    answer = world.start(boxes=[box(10, 10, 20, 20)], stamp=time_message(5 * SECOND))

    assert not answer.success
    assert "5.000000000" in answer.message
    assert "cover" in answer.message


def test_images_older_than_max_age_are_counted_and_not_tracked(world, tracking, red):
    node, camera = tracking()
    node.set_parameters([node.get_parameter("max_age").__class__("max_age", value=0.5)])
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    now = world.robot.get_clock().now().nanoseconds

    world.spin_until(lambda: node.counts().late >= 2, lambda: camera.show(red(), now - 2 * SECOND))

    assert not set(stamps_of(tracks)) & {now - 2 * SECOND}


def test_every_image_is_accounted_for_when_the_device_is_slow(world, tracking, red, network, monkeypatch):
    node, camera = tracking()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    search, gate = network.search, threading.Semaphore(0)

    def slow(kernels, patches, prior):
        assert gate.acquire(timeout=10)
        return search(kernels, patches, prior)

    monkeypatch.setattr(network, "search", slow)
    shown = []
    for _ in range(20):
        before = node.counts().received
        shown.append(camera.show(red()))
        world.spin_until(lambda before=before: node.counts().received > before)
    for _ in range(20):
        gate.release()
    world.spin_until(lambda: shown[-1] in stamps_of(tracks))

    counts = node.counts()
    assert counts.dropped >= 17  # one was being worked on, one waited
    assert counts.received == counts.processed + counts.dropped


def test_a_slow_device_works_on_the_newest_image_so_that_the_delay_does_not_grow(
    world, tracking, red, network, monkeypatch
):
    node, camera = tracking()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    search, gate, begun = network.search, threading.Semaphore(0), []

    def slow(kernels, patches, prior):
        begun.append(True)
        assert gate.acquire(timeout=10)
        return search(kernels, patches, prior)

    def show():
        before = node.counts().received
        stamp = camera.show(red())
        world.spin_until(lambda: node.counts().received > before)
        return stamp

    idle = show()
    world.spin_until(lambda: idle in stamps_of(tracks))
    monkeypatch.setattr(network, "search", slow)
    expected = [show()]
    for step in range(1, 6):
        world.spin_until(lambda step=step: len(begun) == step)
        expected.append([show() for _ in range(3)][-1])
        gate.release()
    gate.release()
    world.spin_until(lambda: expected[-1] in stamps_of(tracks))

    assert stamps_of(tracks)[-len(expected) :] == expected


def test_an_unknown_encoding_is_counted_and_does_not_stop_the_node(world, tracking, red):
    node, camera = tracking()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    strange = Image(height=4, width=4, step=16, encoding="32FC1", data=bytes(64))
    strange.header.stamp = world.robot.get_clock().now().to_msg()

    world.spin_until(lambda: node.counts().failed >= 2, lambda: camera.publisher.publish(strange))
    stamp = camera.show(red())
    world.spin_until(lambda: stamp in stamps_of(tracks), lambda: None)

    assert tracks[-1].objects[0].state == TrackedObject.TRACKING


def test_an_image_that_cannot_be_read_does_not_stop_a_start_before_it(world, tracking, scene, colours, box):
    node, camera = tracking(history_seconds=30.0)
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    frame = scene((200, 150, 50, 50, colours[1]))
    stamp = camera.show(frame)
    world.spin_until(lambda: stamp in stamps_of(tracks))
    torn = Image(height=240, width=320, step=7, encoding="rgb8", data=bytes(7 * 240))
    torn.header.stamp = world.robot.get_clock().now().to_msg()
    world.spin_until(lambda: node.counts().failed, lambda: camera.publisher.publish(torn))
    later = camera.show(frame)
    world.spin_until(lambda: later in stamps_of(tracks))

    answer = world.start(boxes=[box(200, 150, 50, 50)], stamp=time_message(stamp))

    assert answer.success, answer.message


def test_a_bag_that_loops_resets_the_kept_images_and_goes_on(world, tracking, red):
    _, camera = tracking()
    events = world.listen(TrackEvent, "tracker/events", latched=True)
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    begin = world.robot.get_clock().now().nanoseconds - 100 * SECOND

    world.spin_until(lambda: begin in stamps_of(tracks), lambda: camera.show(red(), begin))

    world.spin_until(lambda: TrackEvent.TIME_JUMPED_BACK in reasons_of(events))
    assert tracks[-1].objects[0].state == TrackedObject.TRACKING


def test_the_clock_of_a_bag_is_the_clock_of_the_ages(world, tracking, red):
    node, camera = tracking(use_sim_time=True, max_age=0.5)
    clock = world.robot.create_publisher(Clock, "/clock", 1)
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    then = 1000 * SECOND

    def play():
        clock.publish(Clock(clock=time_message(then)))
        camera.show(red(), then - SECOND // 10)

    world.spin_until(lambda: then - SECOND // 10 in stamps_of(tracks) and node.now() == then, play)


def test_compressed_images_are_tracked_too(world, make_node, red, box):
    node = make_node(image_transport="compressed")
    publisher = world.robot.create_publisher(CompressedImage, "image/compressed", 5)
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")

    def show():
        stamp = world.robot.get_clock().now().to_msg()
        publisher.publish(rgb_to_jpeg(red(), Header(stamp=stamp)))

    world.spin_until(lambda: node.counts().received, show)
    answer = world.start(boxes=[box(100, 80, 60, 40)])
    world.spin_until(lambda: tracks and tracks[-1].objects, show)

    assert answer.success, answer.message
    assert tracks[-1].objects[0].box.center.position.x == pytest.approx(130, abs=3)


def test_a_camera_that_is_less_reliable_and_comes_later_is_heard(world, make_node, red):
    node = make_node(report_period=0.1)
    world.spin_until(lambda: node.pipeline and node.pipeline.cameras)
    camera = world.camera(reliability="best_effort")

    world.spin_until(lambda: node.counts().received, lambda: camera.show(red()))


def test_it_is_also_heard_while_the_clock_of_a_bag_stands_still(world, make_node, red):
    node = make_node(report_period=0.1, use_sim_time=True)
    clock = world.robot.create_publisher(Clock, "/clock", 1)
    then = 1000 * SECOND
    world.spin_until(lambda: node.now() == then, lambda: clock.publish(Clock(clock=time_message(then))))
    world.spin_until(lambda: node.pipeline and node.pipeline.cameras)
    world.spin_for(0.3)  # what the jump of the clock set off is over
    camera = world.camera(reliability="best_effort")

    world.spin_until(lambda: node.counts().received, lambda: camera.show(red(), then))


def test_an_answer_that_became_too_old_is_published_as_late(world, tracking, red, network, monkeypatch):
    node, camera = tracking()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    detections = world.listen(Detection2DArray, "tracker/detections")
    search, now, passed = network.search, node.now, [0]

    def slow(templates, patches, prior):
        passed[0] = 2 * SECOND
        return search(templates, patches, prior)

    world.spin_until(lambda: detections, lambda: camera.show(red()))
    monkeypatch.setattr(node, "now", lambda: now() + passed[0])
    monkeypatch.setattr(network, "search", slow)
    node.set_parameters([Parameter("max_age", value=1.0)])
    before = node.counts()
    camera.show(red())
    world.spin_until(lambda: any(each.late for each in tracks))

    late = next(each for each in tracks if each.late)  # the next image, or one that was still on its way
    assert late.objects[0].id == "red"
    assert not tracks[0].late
    world.spin_until(lambda: node.counts().late > before.late)
    assert nanoseconds(late.header.stamp) not in stamps_of(detections)


def test_latency_is_published_with_counts_and_stages(world, tracking, red):
    _, camera = tracking(report_period=0.1)
    heard = world.listen(Latency, "tracker/latency")

    world.spin_until(lambda: heard and heard[-1].processed > 3, lambda: camera.show(red()))

    last = heard[-1]
    assert last.header.frame_id == "camera_optical"
    assert 0 < last.age < last.p99
    assert [stage.name for stage in last.stages] == ["wait", "convert", "track", "publish"]
    assert 0 < last.p50 <= last.p95 <= last.p99
    on_their_way = last.received - last.processed - last.dropped - last.late - last.failed
    assert 0 <= on_their_way <= 2


def test_an_error_in_a_frame_is_counted_and_the_next_one_is_tracked(
    world, tracking, red, network, monkeypatch
):
    node, camera = tracking()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    search, errors = network.search, [ValueError("a bug")]

    def fails_once(*given):
        if errors:
            raise errors.pop()
        return search(*given)

    monkeypatch.setattr(network, "search", fails_once)
    world.spin_until(lambda: node.counts().failed == 1 and tracks, lambda: camera.show(red()))

    assert tracks[-1].objects[0].state == TrackedObject.TRACKING
    assert isinstance(node.pipeline.cameras[""].targets.tracker, Tracker)
    assert np.isfinite(tracks[-1].objects[0].confidence)
