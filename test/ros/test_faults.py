"""Devices that fail."""

import gc
import weakref

import pytest
import torch
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from s2iammask.msg import TrackedObjectArray, TrackEvent
from s2iammask_core import Tracker


@pytest.fixture
def failing(world, make_node, make_network, scene, colours, box):
    """A node on a device that can be made to fail: (node, camera, fail). Two targets, red and green."""
    devices, network = [], make_network()

    def make(weights, config, runtime):
        devices.append(runtime.device)
        return Tracker.of(make_network() if runtime.device == "cpu" and len(devices) > 1 else network, config)

    def begin(policy):
        node = make_node(make, device_failure=policy, report_period=0.1)
        camera = world.camera()
        frame = scene((100, 80, 60, 40, colours[0]), (200, 150, 40, 50, colours[1]))
        world.spin_until(lambda: node.counts().received, lambda: camera.show(frame))
        node.pipeline.engine.device = "cuda"  # there is none here; only its name counts
        boxes = [box(100, 80, 60, 40), box(200, 150, 40, 50)]
        assert world.start(boxes=boxes, ids=["red", "green"]).success
        return node, camera, frame

    def fail(times):
        search, left = network.search, [None] * times

        def out_of_memory(*given):
            if left:
                left.pop()
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return search(*given)

        network.search = out_of_memory

    return begin, fail, devices


def test_the_cpu_takes_over_with_all_targets(world, failing):
    begin, fail, devices = failing
    node, camera, frame = begin("cpu")
    events = world.listen(TrackEvent, "tracker/events", latched=True)
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    fail(times=1000)

    world.spin_until(lambda: node.pipeline.engine.device == "cpu", lambda: camera.show(frame))
    tracks.clear()
    world.spin_until(lambda: tracks, lambda: camera.show(frame))

    assert devices == ["auto", "cpu"]
    assert [found.id for found in tracks[-1].objects] == ["red", "green"]
    assert TrackEvent.DEVICE_FAILED in [event.reason for event in events]


def test_the_network_on_a_device_that_failed_is_let_go(world, make_node, make_network, scene, colours, box):
    networks = []

    def make(weights, config, runtime):
        network = make_network()
        networks.append(weakref.ref(network))
        return Tracker.of(network, config)

    def out_of_memory(*given):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    node, camera, frame = make_node(make), world.camera(), scene((100, 80, 60, 40, colours[0]))
    world.spin_until(lambda: node.counts().received, lambda: camera.show(frame))
    node.pipeline.engine.device = "cuda"
    assert world.start(boxes=[box(100, 80, 60, 40)]).success
    networks[0]().search = out_of_memory
    world.spin_until(lambda: node.pipeline.engine.device == "cpu", lambda: camera.show(frame))
    before = node.counts().processed
    world.spin_until(lambda: node.counts().processed > before, lambda: camera.show(frame))

    gc.collect()
    assert [each() is None for each in networks] == [True, False]


def test_half_of_the_targets_go_if_the_setting_says_so(world, failing):
    begin, fail, devices = failing
    _, camera, frame = begin("fewer")
    events = world.listen(TrackEvent, "tracker/events", latched=True)
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    fail(times=1)

    world.spin_until(lambda: tracks and len(tracks[-1].objects) == 1, lambda: camera.show(frame))

    assert tracks[-1].objects[0].id == "red"
    assert devices == ["auto"]
    world.spin_until(lambda: events[-1].reason == TrackEvent.TOO_MANY)
    assert events[-1].id == "green"


def test_the_node_waits_for_the_device_if_the_setting_says_so(world, failing):
    begin, fail, _ = failing
    node, camera, frame = begin("stop")
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    heard = world.listen(DiagnosticArray, "/diagnostics")
    fail(times=3)

    world.spin_until(lambda: node.counts().failed == 3, lambda: camera.show(frame))
    tracks.clear()
    world.spin_until(lambda: tracks and heard, lambda: camera.show(frame))

    assert len(tracks[-1].objects) == 2
    device = next(each for each in heard[-1].status if each.name == "tracker: device")
    assert device.level == DiagnosticStatus.ERROR
    assert "out of memory" in device.message
