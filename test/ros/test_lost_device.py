"""A GPU that is lost for good: everything that is asked of it raises, even to free its memory."""

import logging

import pytest
import torch

from s2iammask.msg import TrackedObjectArray
from s2iammask_core import Tracker
from s2iammask_core.errors import FrameError
from s2iammask_core.worker import Worker
from s2iammask_ros import device, together
from s2iammask_ros.device import free_memory, is_device_failure, is_lost, memory_in_use
from s2iammask_ros.faults import Faults

RED, GREEN = (220, 30, 40), (30, 200, 60)
LOST = "CUDA error: an illegal memory access was encountered"


@pytest.fixture
def lost(monkeypatch):
    """Loses the GPU, which is not there, from the call of this on."""

    def raises(*_):
        raise RuntimeError(LOST)

    def lose():
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "empty_cache", raises)
        monkeypatch.setattr(torch.cuda, "synchronize", raises)

    monkeypatch.setattr(device, "_lost", [])
    return lose


def test_freeing_memory_of_a_device_that_is_lost_raises_nothing(lost):
    lost()

    free_memory()

    assert is_lost("cuda:0")
    assert not is_lost("cpu")


def test_a_device_that_answers_is_not_lost(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", asked.append)

    assert not is_lost("cuda:1")
    assert asked == ["cuda:1"]


def test_memory_is_that_of_the_device_that_is_used(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda name: {"cuda:0": 1e6, "cuda:1": 3e6}[name])

    assert memory_in_use("cuda:1") == 3.0
    assert memory_in_use("cpu") is None


@pytest.mark.parametrize(
    ("error", "is_failure"),
    [
        (RuntimeError(LOST), True),
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), True),
        (RuntimeError("GET was unable to find an engine to execute this computation"), True),
        (RuntimeError("BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer"), True),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (ValueError("a bug"), False),
        (FrameError("the frame does not lie on cuda"), False),
    ],
)
def test_failures_of_the_device_are_known_by_their_words(error, is_failure):
    assert is_device_failure(error) is is_failure


class OnGpu(Tracker):
    """Says that it runs on a GPU."""

    device = "cuda:0"


@pytest.fixture
def gpu(make_network, lost):
    """What makes trackers, on a GPU that is lost as soon as something is put into its list `ends`."""

    class Maker:
        made, ends = (), ()

        def __call__(self, weights, config, runtime):
            network = make_network()
            kind = Tracker if runtime.device == "cpu" else OnGpu
            if kind is OnGpu:
                network.search = self._until_the_end(network.search)
            self.made = (*self.made, kind.of(network, config))
            return self.made[-1]

        def _until_the_end(self, search):
            def run(*given):
                if self.ends:
                    lost()
                    raise RuntimeError(LOST)
                return search(*given)

            return run

    return Maker()


@pytest.mark.parametrize("policy", ["cpu", "fewer"])
def test_the_cpu_takes_over_and_what_was_on_the_gpu_is_never_freed(world, make_node, gpu, scene, box, policy):
    node, camera = make_node(gpu, device_failure=policy), world.camera()
    frame = scene((100, 80, 60, 40, RED), (200, 150, 40, 50, GREEN))
    world.spin_until(lambda: node.counts().received, lambda: camera.show(frame))
    assert world.start(boxes=[box(100, 80, 60, 40), box(200, 150, 40, 50)], ids=["red", "green"]).success
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")

    gpu.ends = ("from now on",)
    world.spin_until(lambda: len(gpu.made) == 2, lambda: camera.show(frame))
    tracks.clear()
    world.spin_until(lambda: tracks, lambda: camera.show(frame))

    assert [found.id for found in tracks[-1].objects] == ["red", "green"]
    (former,) = device._lost
    assert {each._method for each in former} == {gpu.made[0]._method}


def test_the_cpu_takes_over_for_two_cameras(world, make_node, gpu, scene, box):
    node = make_node(gpu, cameras=["front", "rear"])
    cameras = [world.camera(f"{name}/image") for name in ("front", "rear")]
    frames = scene((100, 80, 60, 40, RED)), scene((20, 30, 60, 40, GREEN))
    heard = [world.listen(TrackedObjectArray, f"tracker/{name}/tracks") for name in ("front", "rear")]

    def show():
        for camera, frame in zip(cameras, frames, strict=True):
            camera.show(frame)

    world.spin_until(lambda: node.counts("front").received and node.counts("rear").received, show)
    for name, x, y in (("front", 100, 80), ("rear", 20, 30)):
        assert world.start(boxes=[box(x, y, 60, 40)], ids=["one"], node=f"tracker/{name}").success

    gpu.ends = ("from now on",)
    world.spin_until(lambda: len(gpu.made) == 2, show)
    for arrays in heard:
        arrays.clear()
    world.spin_until(lambda: all(arrays and arrays[-1].objects for arrays in heard), show)

    places = [arrays[-1].objects[0].box.center.position.x for arrays in heard]
    assert places == pytest.approx([130, 50], abs=2)


def test_what_goes_wrong_while_a_failure_is_looked_at_leaves_the_images_to_each_camera():
    tried = []

    class BadFaults(Faults):
        def survive_together(self, error):
            raise RuntimeError(LOST)

    class Camera:
        def prepare(self, arrival):
            return arrival

        def shot(self, turn):
            raise RuntimeError(LOST)

        def track(self, turn):
            tried.append(turn)

    said = []
    together.work([(Camera(), "one"), (Camera(), "two")], BadFaults(None, {}, said.append), wanted=True)

    assert tried == ["one", "two"]
    assert "illegal memory access" in said[0]


def test_the_thread_that_works_survives_what_is_raised_there(caplog):
    done = []

    def work(items):
        if items == ["bad"]:
            raise ValueError("a bug")
        done.append(items)

    worker = Worker(work)
    worker.start()
    with caplog.at_level(logging.ERROR):
        worker.offer("bad")
        worker.call(lambda: None, 5.0)
        worker.offer("good")
        while not done:
            worker.call(lambda: None, 5.0)

    assert worker.stop(5.0)
    assert done == [["good"]]
    assert "a bug" in caplog.text
