"""Requests of OpenVINO that run side by side, with stand-ins that note when each begins and is waited for."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from s2iammask_core.bench import measure
from s2iammask_core.bench.timing import WARM_UP, ProcessMeter
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.runtime.exported import read_description
from s2iammask_core.runtime.openvino_engine import (
    FORGETFULNESS,
    PATIENCE,
    STARTS,
    WIDENING,
    OpenvinoEngine,
    _Lanes,
    settle,
)
from s2iammask_core.runtime.weights import forms_of, weights_file


class Request:
    """Answers what it was last given, once it was waited for."""

    def __init__(self, log):
        self._log, self._given, self._answer = log, None, None

    def start_async(self, inputs, share_inputs):
        assert self._given is None, "it has not answered yet"
        self._given = inputs
        self._log.append("begin")

    def wait(self):
        self._answer, self._given = self._given, None
        self._log.append("wait")

    def get_output_tensor(self, number):
        return SimpleNamespace(data=np.array([self._answer["number"], number]))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8])
def test_each_call_is_answered_in_its_turn(count):
    compiled = SimpleNamespace(create_infer_request=lambda: Request([]), outputs=[None, None])

    found = _Lanes(compiled, 2).answer([{"number": number} for number in range(count)])

    assert [[each.tolist() for each in outputs] for outputs in found] == [
        [[number, 0], [number, 1]] for number in range(count)
    ]


def test_a_request_goes_on_while_another_one_is_waited_for():
    log = []
    compiled = SimpleNamespace(create_infer_request=lambda: Request(log), outputs=[None])

    _Lanes(compiled, 2).answer([{"number": number} for number in range(4)])

    assert log == ["begin", "begin", "wait", "begin", "wait", "begin", "wait", "wait"]


@pytest.fixture
def lanes():
    """How many targets each compilation of the search was for, in order."""
    return []


@pytest.fixture
def graphs():
    """The names of what was compiled, in order."""
    return []


@pytest.fixture
def engine(monkeypatch, lanes, graphs):
    """With two cores and the shipped graphs, of which none is compiled."""
    pytest.importorskip("openvino")

    def compiled(engine, graph, count):
        lanes.extend([count] if graph == "search" else [])
        graphs.append(graph)
        return SimpleNamespace(create_infer_request=lambda: Request([]), outputs=[None])

    monkeypatch.setattr(OpenvinoEngine, "_compiled", compiled)
    folder = forms_of(weights_file()).folder
    return OpenvinoEngine(folder, read_description(folder), RuntimeConfig(device="cpu", threads=2))


def searched(engine, targets, times):
    """What was answered last; whatever is compiled for it is there."""
    for _ in range(times):
        found = engine.answer("search", [{"number": number} for number in range(targets)])
    settle()
    return [outputs[0][0] for outputs in found]


def test_several_targets_run_side_by_side_once_they_are_a_habit(engine, lanes):
    searched(engine, 3, PATIENCE - 1)
    before = list(lanes)

    assert searched(engine, 3, 2) == [0, 1, 2]
    assert (before, lanes) == ([1], [1, 2])


def test_the_graph_of_first_masks_stays_while_more_than_starts_ask_for_it(engine, graphs):
    for _ in range(STARTS + 5):
        searched(engine, 1, 1)
        engine.answer("first_mask", [{"number": 1}])
    loaded = graphs.count("first_mask")
    searched(engine, 1, FORGETFULNESS)
    engine.answer("first_mask", [{"number": 1}])

    assert loaded == STARTS + 1
    assert graphs.count("first_mask") == STARTS + 2


def test_starts_that_are_far_between_never_keep_the_graph_of_first_masks(engine, graphs):
    for _ in range(STARTS + 2):
        engine.answer("first_mask", [{"number": 1}])
        searched(engine, 1, FORGETFULNESS)

    assert graphs.count("first_mask") == STARTS + 2


def test_what_several_targets_need_is_let_go_after_one_alone_for_long_and_made_again(engine, lanes):
    searched(engine, 2, PATIENCE)
    searched(engine, 1, FORGETFULNESS - 1)
    searched(engine, 2, 1)  # a habit still
    searched(engine, 1, FORGETFULNESS)
    searched(engine, 2, PATIENCE - 1)
    before = list(lanes)
    searched(engine, 2, 1)

    assert (before, lanes) == ([1, 2], [1, 2, 2])


def test_who_measures_waits_for_what_is_compiled_beside_the_work():
    gate = threading.Event()
    threading.Thread(target=gate.wait, name=WIDENING).start()
    waiting = threading.Thread(target=settle)
    waiting.start()
    waited = waiting.is_alive()

    gate.set()
    waiting.join(10)

    assert (waited, waiting.is_alive()) == (True, False)


@pytest.mark.parametrize(("targets", "warm_up"), [(1, WARM_UP), (2, WARM_UP + PATIENCE)])
def test_a_step_of_several_targets_is_measured_once_they_are_a_habit(targets, warm_up):
    log = []

    def clock():
        log.append("clock")
        return float(len(log))

    tracker = SimpleNamespace(
        runtime="openvino",
        device="cpu",
        start=lambda frame, boxes: None,
        track=lambda frame: log.append("track"),
    )
    plan = measure.Plan(TrackerConfig(), RuntimeConfig(), 120, 160, frames=2, clock=clock)
    way = measure.Way("openvino", "fp32", 2)

    measure.row(plan, measure.Subject("", tracker, targets, way, ProcessMeter()))

    assert log.index("clock") == warm_up
