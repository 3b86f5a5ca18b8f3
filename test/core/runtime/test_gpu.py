"""The captured step on a CUDA device."""

import threading

import numpy as np
import pytest
import torch

from s2iammask_core import Box, Shot, track_together
from s2iammask_core.bench.device import GpuMeter
from s2iammask_core.config import RuntimeConfig
from s2iammask_core.runtime.fused import fuse
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.runtime.torch_tracker import make_tracker

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


@pytest.fixture
def frames():
    return np.random.default_rng(3).integers(0, 255, (6, 240, 320, 3), np.uint8)


def boxes(count):
    return [Box(20 + 15 * k, 30 + 10 * k, 80 + 15 * k, 90 + 10 * k) for k in range(count)]


def tracker(random_network, runtime, device="cuda"):
    return make_tracker(
        random_network(), runtime=RuntimeConfig(device=device, runtime=runtime, precision="fp32")
    )


@pytest.mark.parametrize("count", [1, 3, 8])
def test_a_captured_step_answers_as_one_that_is_not(random_network, frames, count):
    eager, graph = tracker(random_network, "eager"), tracker(random_network, "graph")

    for each in (eager, graph):
        each.start(frames[0], boxes(count))
    for frame in frames[1:3]:
        pairs = zip(eager.track(frame), graph.track(frame), strict=True)
        assert all(one.score == pytest.approx(other.score, abs=1e-3) for one, other in pairs)


@pytest.mark.parametrize("variant", ["s2iammask", "siammask_sharp"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_convolutions_that_add_and_rectify_work_and_answer_as_those_apart(random_network, variant, dtype):
    fusion = fuse(PreparedNetwork(random_network(variant), torch.device("cuda"), dtype))

    assert fusion.works


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is no second CUDA device")
def test_a_step_is_captured_on_a_device_that_is_not_the_current_one(random_network, frames):
    eager, graph = (tracker(random_network, name, "cuda:1") for name in ("eager", "graph"))

    for each in (eager, graph):
        each.start(frames[0], boxes(2))
    for frame in frames[1:4]:
        pairs = zip(eager.track(frame), graph.track(frame), strict=True)
        assert all(one.score == pytest.approx(other.score, abs=1e-3) for one, other in pairs)


def test_a_step_is_captured_while_another_thread_uses_the_device(random_network, frames):
    stop, graph = threading.Event(), tracker(random_network, "graph")
    graph.start(frames[0], boxes(2))
    errors = []

    def busy():
        size = 1
        while not stop.is_set():
            try:
                torch.ones(size << 20, device="cuda").sum().item()  # asks the driver for ever more memory
            except RuntimeError as error:
                errors.append(error)
            size = size % 200 + 1

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        found = graph.track(frames[1])
    finally:
        stop.set()
        thread.join()

    assert len(found) == 2
    assert errors == []


def test_several_frames_in_a_captured_step_answer_as_one_by_one(random_network, frames):
    graph, eager = tracker(random_network, "graph"), tracker(random_network, "eager")
    views = [frames[:, :200], frames]
    teams = [(each, each.sibling()) for each in (graph, eager)]
    for team in teams:
        for each, view in zip(team, views, strict=True):
            each.start(view[0], boxes(2))

    for number in range(1, 4):
        shown = [view[number] for view in views]
        together = track_together([*map(Shot, teams[0], shown)])
        alone = [each.track(frame) for each, frame in zip(teams[1], shown, strict=True)]
        for pairs in map(zip, together, alone):
            assert all(one.score == pytest.approx(other.score, abs=1e-3) for one, other in pairs)


def test_nothing_is_allocated_once_a_step_is_captured(random_network, frames):
    graph = tracker(random_network, "graph")
    graph.start(frames[0], boxes(2))
    graph.track(frames[1])
    meter = GpuMeter(torch.device("cuda"))
    before = meter.allocations()

    for frame in frames[2:]:
        graph.track(frame)

    assert meter.allocations() == before
