"""Which way of running is taken, and that a broken one is passed over."""

import logging
from pathlib import Path

import pytest

from s2iammask_core import load_tracker
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import ConfigError, UnavailableError
from s2iammask_core.runtime import choice, loading
from s2iammask_core.runtime.choice import Candidate, candidates, kind_of
from s2iammask_core.runtime.exported_runner import Engine
from s2iammask_core.runtime.onnx_engine import OnnxEngine
from s2iammask_core.runtime.weights import Weights, weights_file

FILE, FOLDER = Path("net.safetensors"), Path("net")
BOTH, TRAINED, EXPORTED = Weights(FILE, FOLDER), Weights(FILE, None), Weights(None, FOLDER)
SHIPPED = pytest.mark.skipif(not weights_file().is_file(), reason="the weights are not in this checkout")


@pytest.fixture
def gpu(monkeypatch):
    """Sets whether the machine has an NVIDIA GPU."""
    return lambda there: monkeypatch.setattr(choice, "has_cuda", lambda: there)


def names(weights, **runtime):
    return [(each.runtime, each.device) for each in candidates(weights, RuntimeConfig(**runtime))]


def test_on_a_cpu_openvino_comes_first(gpu):
    gpu(False)

    assert names(BOTH) == [("openvino", "cpu"), ("eager", "cpu"), ("onnxruntime", "cpu")]
    assert names(TRAINED) == [("eager", "cpu")]
    assert names(EXPORTED) == [("openvino", "cpu"), ("onnxruntime", "cpu")]


def test_a_gpu_comes_before_the_cpu_and_its_graph_before_single_operations(gpu):
    gpu(True)

    assert names(TRAINED) == [("graph", "cuda"), ("eager", "cuda"), ("eager", "cpu")]
    assert names(BOTH, device="cpu") == [("openvino", "cpu"), ("eager", "cpu"), ("onnxruntime", "cpu")]


def test_a_device_that_is_named_is_the_only_one(gpu):
    gpu(True)

    assert names(TRAINED, device="cuda:1") == [("graph", "cuda:1"), ("eager", "cuda:1")]
    assert names(BOTH, device="NPU") == [("openvino", "NPU")]


def test_a_runtime_that_is_named_is_the_only_one_and_chooses_its_device(gpu):
    gpu(True)

    assert names(BOTH, runtime="openvino") == [("openvino", "cpu")]
    assert names(BOTH, runtime="eager") == [("eager", "cuda")]


@pytest.mark.parametrize(
    ("weights", "runtime", "error", "named"),
    [
        (TRAINED, {"runtime": "openvino"}, ConfigError, "s2iammask export net --weights net.safetensors"),
        (EXPORTED, {"runtime": "eager"}, ConfigError, "give the weights file instead"),
        (BOTH, {"runtime": "graph", "device": "cpu"}, UnavailableError, "runtime graph runs on cuda"),
        (BOTH, {"runtime": "openvino", "device": "cuda"}, UnavailableError, "not on cuda"),
        (TRAINED, {"device": "NPU"}, UnavailableError, "cannot run on NPU"),
        (BOTH, {"device": "gpu"}, UnavailableError, "no device 'gpu'.*GPU or NPU"),
    ],
)
def test_what_does_not_go_together_is_named(gpu, weights, runtime, error, named):
    gpu(False)

    with pytest.raises(error, match=named):
        candidates(weights, RuntimeConfig(**runtime))


@pytest.mark.parametrize("name", ["cuda:two", "cuda:", "tpu", "mps", ""])
def test_other_devices_have_no_kind(name):
    with pytest.raises(UnavailableError, match="there is no device"):
        kind_of(name)


def test_a_device_that_openvino_does_not_see_is_named():
    pytest.importorskip("openvino")

    with pytest.raises(UnavailableError, match="OpenVINO sees no device TPU here; it sees CPU"):
        load_tracker(device="TPU")


class Broken(OnnxEngine):
    """Answers, but wrongly: it sees nothing of the patches' right half."""

    def answer(self, graph, calls):
        for inputs in calls:
            inputs["patches"][:, :, inputs["patches"].shape[2] // 2 :] = 0
        return super().answer(graph, calls)


class NotANumber(OnnxEngine):
    def answer(self, graph, calls):
        found = super().answer(graph, calls)
        for outputs in found if graph == "search" else ():
            outputs[0][:, :5] = float("nan")
        return found


def raising(*_: object) -> Engine:
    raise RuntimeError("the driver is too old")


@SHIPPED
@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        (Broken, "its answers are not the network's"),
        (NotANumber, "its answers are not the network's"),
        (raising, "fails: RuntimeError: the driver is too old"),
    ],
)
def test_a_way_that_does_not_work_is_passed_over_with_a_warning(monkeypatch, caplog, gpu, engine, reason):
    pytest.importorskip("onnxruntime")
    gpu(False)
    monkeypatch.setitem(loading.ENGINES, "openvino", engine)

    with caplog.at_level(logging.WARNING):
        tracker = load_tracker()

    assert tracker.runtime == "eager"
    assert "runtime openvino on cpu is passed over" in caplog.text
    assert reason in caplog.text


@SHIPPED
def test_a_runtime_that_is_named_is_never_replaced(monkeypatch):
    monkeypatch.setitem(loading.ENGINES, "openvino", raising)

    with pytest.raises(UnavailableError, match="openvino on cpu fails: RuntimeError: the driver is too old"):
        load_tracker(device="cpu", runtime=RuntimeConfig(runtime="openvino"))


@SHIPPED
def test_where_nothing_works_each_way_says_why(monkeypatch, gpu):
    gpu(False)
    for name in loading.ENGINES:
        monkeypatch.setitem(loading.ENGINES, name, raising)

    with pytest.raises(UnavailableError, match=r"no way to run.*runtime openvino.*runtime onnxruntime"):
        load_tracker(weights_file().with_suffix(""))


@SHIPPED
def test_settings_that_the_graphs_lack_take_another_way(gpu, caplog):
    gpu(False)

    tracker = load_tracker(config=TrackerConfig(mask_regions=0))

    assert tracker.runtime == "eager"
    assert "mask_regions = 3, not 0" in caplog.text


def test_a_candidate_is_what_a_message_calls_it():
    assert str(Candidate("graph", "cuda:1", FILE)) == "runtime graph on cuda:1"
