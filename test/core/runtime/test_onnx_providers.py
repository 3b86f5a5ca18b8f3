"""What onnxruntime is asked for; packages with and without GPUs are stand-ins."""

import sys
from types import SimpleNamespace

import pytest

from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import UnavailableError
from s2iammask_core.runtime.onnx_providers import CPU, CUDA, TENSORRT, device_number, options_of, providers_of

SHAPES = {"kernels": ["targets", 768, 5, 5], "patches": ["targets", 3, 255, 255], "settings": [6]}


@pytest.fixture
def package(monkeypatch):
    """Puts an onnxruntime with these providers in place."""

    def put(*providers):
        module = SimpleNamespace(get_available_providers=lambda: list(providers))
        monkeypatch.setitem(sys.modules, "onnxruntime", module)

    return put


@pytest.mark.parametrize("device", ["auto", "cuda", "cuda:1"])
def test_tensorrt_is_for_who_asks_for_it(package, device):
    package(TENSORRT, CUDA, CPU)

    assert providers_of(device) == [CUDA, CPU]
    assert providers_of(device, "tensorrt") == [TENSORRT, CUDA, CPU]
    assert providers_of("cpu") == [CPU]


def test_a_gpu_that_onnxruntime_lacks_is_named(package):
    package(CPU)

    with pytest.raises(UnavailableError, match=r"has no CUDA.*CPUExecutionProvider.*onnxruntime-gpu"):
        providers_of("cuda:0")
    assert providers_of("auto") == [CPU]


@pytest.mark.parametrize(("device", "here"), [("cuda", (CUDA, CPU)), ("cpu", (TENSORRT, CUDA, CPU))])
def test_tensorrt_is_never_replaced_silently(package, device, here):
    package(*here)

    with pytest.raises(UnavailableError, match=r"runtime tensorrt needs a GPU.*install onnxruntime-gpu and"):
        providers_of(device, "tensorrt")


def test_without_onnxruntime_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.raises(UnavailableError, match="pip install onnxruntime"):
        providers_of("cpu")


def test_one_tensorrt_engine_serves_any_number_of_targets_and_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    found = options_of(TENSORRT, RuntimeConfig("cuda:1", "tensorrt"), SHAPES)

    folder = tmp_path / "s2iammask" / "tensorrt"
    assert folder.is_dir()
    assert found == {
        "device_id": "1",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
        "trt_fp16_enable": "0",
        "trt_profile_min_shapes": "kernels:1x768x5x5,patches:1x3x255x255",
        "trt_profile_opt_shapes": "kernels:1x768x5x5,patches:1x3x255x255",
        "trt_profile_max_shapes": "kernels:64x768x5x5,patches:64x3x255x255",
    }


def test_a_graph_for_a_certain_number_of_targets_needs_no_profile(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    found = options_of(TENSORRT, RuntimeConfig("cuda", "tensorrt", "fp16"), {"patches": [1, 3, 255, 255]})

    assert not [name for name in found if "profile" in name]
    assert found["trt_fp16_enable"] == "1"


def test_cuda_does_not_try_all_ways_to_convolve_for_each_number_of_targets():
    found = options_of(CUDA, RuntimeConfig("cuda:2", precision="fp32"), SHAPES)

    assert found == {"device_id": "2", "cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
    assert options_of(CUDA, RuntimeConfig("cuda"), SHAPES)["use_tf32"] == "1"
    assert options_of(CPU, RuntimeConfig("cuda"), SHAPES) == {}


def test_a_device_of_onnxruntime_may_be_a_certain_gpu():
    assert [device_number(name) for name in ("auto", "cpu", "cuda", "cuda:0", "cuda:3")] == [0, 0, 0, 0, 3]
    with pytest.raises(UnavailableError, match="cuda:two"):
        device_number("cuda:two")
