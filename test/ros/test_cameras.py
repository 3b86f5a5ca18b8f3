"""Several cameras in one node."""

import threading

import pytest
import torch
from rclpy.parameter import Parameter

from s2iammask.msg import TrackedObjectArray
from s2iammask_core import Tracker
from s2iammask_ros.messages.stamps import nanoseconds


def test_each_camera_has_its_own_topics_and_targets_but_all_share_the_weights(
    world, make_node, make_network, scene, colours, box
):
    loaded = []

    def make(weights, config, runtime):
        loaded.append(weights)
        return Tracker.of(make_network(), config)

    node = make_node(make, cameras=["front", "rear"])
    front, rear = world.camera("front/image"), world.camera("rear/image")
    heard = {name: world.listen(TrackedObjectArray, f"tracker/{name}/tracks") for name in ("front", "rear")}
    red, green = scene((100, 80, 60, 40, colours[0])), scene((20, 30, 60, 40, colours[1]))

    def show():
        front.show(red)
        rear.show(green)

    world.spin_until(lambda: node.counts("front").received and node.counts("rear").received, show)
    first = world.start(boxes=[box(100, 80, 60, 40)], ids=["one"], node="tracker/front")
    second = world.start(boxes=[box(20, 30, 60, 40)], ids=["one"], node="tracker/rear")
    world.spin_until(lambda: all(each and each[-1].objects for each in heard.values()), show)

    assert first.success, first.message
    assert second.success, second.message
    assert len(loaded) == 1
    places = {name: arrays[-1].objects[0].box.center.position.x for name, arrays in heard.items()}
    assert places == pytest.approx({"front": 130, "rear": 50}, abs=3)


class Gate:
    """Holds a network's searches until they are let through; notes how many patches each has."""

    def __init__(self, network):
        self.network, self.search, self.batches = network, network.search, []
        self.turns = threading.Semaphore(1_000_000)
        self.waits = threading.Event()
        network.search = self

    def __call__(self, kernels, patches, prior):
        if not self.turns.acquire(blocking=False):
            self.waits.set()
            assert self.turns.acquire(timeout=10)
        self.batches.append(len(patches))
        return self.search(kernels, patches, prior)

    def close(self):
        self.turns, self.batches = threading.Semaphore(0), []

    def open(self):
        self.turns.release(1000)


@pytest.fixture
def two(world, make_node, network, scene, colours, box):
    """A node with a red target before the front camera and a green one before the smaller rear one.

    Gives the node, its network's gate, the tracks that come, and a function that shows both cameras an image
    while the node works on another one, so that both wait at the same time.
    """
    node = make_node(cameras=["front", "rear"])
    cameras = world.camera("front/image"), world.camera("rear/image")
    heard = [world.listen(TrackedObjectArray, f"tracker/{name}/tracks") for name in ("front", "rear")]
    gate = Gate(network)

    def frames(shift=0):
        front = scene((100 + shift, 80, 60, 40, colours[0]))
        return front, scene((20 + shift, 30, 60, 40, colours[1]), height=200, width=280)

    def show(shift=0):
        return [camera.show(frame) for camera, frame in zip(cameras, frames(shift), strict=True)]

    def received():
        return [node.counts(name).received for name in ("front", "rear")]

    def show_at_once(shift=0):
        gate.close()
        world.spin_until(gate.waits.is_set, lambda: cameras[0].show(frames()[0]))
        gate.waits.clear()
        before = received()
        stamps = show(shift)
        world.spin_until(lambda: all(now > then for now, then in zip(received(), before, strict=True)))
        gate.open()
        return stamps

    world.spin_until(lambda: all(received()), show)
    for name, x, y in (("front", 100, 80), ("rear", 20, 30)):
        assert world.start(boxes=[box(x, y, 60, 40)], ids=["one"], node=f"tracker/{name}").success
    return node, gate, heard, show_at_once


def answered(heard, stamps):
    """Whether both cameras published tracks of the image with their stamp."""
    return all(
        any(nanoseconds(each.header.stamp) == stamp for each in arrays)
        for arrays, stamp in zip(heard, stamps, strict=True)
    )


def places(heard):
    return [arrays[-1].objects[0].box.center.position.x for arrays in heard]


def test_images_of_two_cameras_that_wait_go_through_the_network_together(world, two):
    node, gate, heard, show_at_once = two

    stamps = show_at_once(shift=4)
    world.spin_until(lambda: answered(heard, stamps))

    assert 2 in gate.batches
    assert places(heard) == pytest.approx([134, 54], abs=2)
    assert [(arrays[-1].height, arrays[-1].width) for arrays in heard] == [(240, 320), (200, 280)]
    for name in ("front", "rear"):
        counts = node.counts(name)
        assert counts.received == counts.processed + counts.dropped + counts.late + counts.failed


def test_cameras_go_one_after_another_if_a_setting_says_so(world, two):
    node, gate, heard, show_at_once = two
    assert node.set_parameters([Parameter("join_cameras", value=False)])[0].successful

    stamps = show_at_once(shift=4)
    world.spin_until(lambda: answered(heard, stamps))

    assert set(gate.batches) == {1}
    assert places(heard) == pytest.approx([134, 54], abs=2)


def test_an_error_with_one_camera_does_not_cost_the_other_its_image(world, two):
    node, gate, heard, show_at_once = two
    search = gate.search

    def fails_for_green(kernels, patches, prior):
        if (kernels[:, 1] > 150).any():
            raise ValueError("a bug")
        return search(kernels, patches, prior)

    gate.search = fails_for_green
    stamps = show_at_once(shift=4)
    world.spin_until(lambda: node.counts("rear").failed and answered(heard[:1], stamps[:1]))

    assert places(heard[:1]) == pytest.approx([134], abs=2)
    assert node.counts("front").failed == 0
    assert node.pipeline.faults.joins
    gate.search = search
    stamps = show_at_once(shift=6)
    world.spin_until(lambda: answered(heard, stamps))
    assert places(heard) == pytest.approx([136, 56], abs=2)


def test_a_device_that_is_too_small_for_both_cameras_takes_one_after_the_other(world, two):
    node, gate, heard, show_at_once = two
    search = gate.search

    def too_small(kernels, patches, prior):
        if len(patches) > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return search(kernels, patches, prior)

    gate.search = too_small
    for shift in (3, 6):
        stamps = show_at_once(shift)
        world.spin_until(lambda stamps=stamps: answered(heard, stamps))

    assert gate.batches.count(2) == 0
    assert not node.pipeline.faults.joins
    assert "out of memory" in node.pipeline.faults.device_error
    assert [node.counts(name).failed for name in ("front", "rear")] == [0, 0]
    assert places(heard) == pytest.approx([136, 56], abs=2)


def test_the_cpu_takes_over_for_both_cameras(world, two):
    node, gate, heard, show_at_once = two
    engine, search = node.pipeline.engine, gate.search
    engine.device = "cuda"  # there is none here; only its name counts
    good = ["the image that the others wait for"]

    def broken(kernels, patches, prior):
        if not good and engine.device == "cuda":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        good.clear()
        return search(kernels, patches, prior)

    gate.search = broken
    show_at_once(shift=3)
    world.spin_until(lambda: engine.device == "cpu")
    stamps = show_at_once(shift=5)
    world.spin_until(lambda: answered(heard, stamps))

    assert places(heard) == pytest.approx([135, 55], abs=2)
    assert [node.counts(name).failed for name in ("front", "rear")] == [1, 0]
