"""Which device is taken and what it is trusted with; the GPUs are made up."""

import pytest
import torch

from s2iammask_core import devices
from s2iammask_core.devices import (
    BF16_TESTS,
    TRIAL_SUM,
    device_named,
    fault_of,
    format_named,
    multiplies_bf16,
)
from s2iammask_core.errors import UnavailableError

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
NO_IMAGE = "CUDA error: no kernel image is available for execution on the device\nCUDA kernel errors might"


@pytest.fixture
def gpus(monkeypatch):
    """Puts GPUs into the machine, by capability and what computing on them raises; the built-for list."""

    def put(*found, built_for=("sm_75", "sm_80", "sm_90")):
        def trial(device):
            _, error = found[device.index or 0] if device.type == "cuda" else (None, None)
            if error:
                raise RuntimeError(error)
            return TRIAL_SUM

        monkeypatch.setattr(devices, "_trial", trial)
        for name, value in {
            "is_available": lambda: bool(found),
            "device_count": lambda: len(found),
            "get_device_capability": lambda device: found[torch.device(device).index or 0][0],
            "get_device_name": lambda device: "Some GPU",
            "get_arch_list": lambda: list(built_for),
        }.items():
            monkeypatch.setattr(torch.cuda, name, value)

    return put


@pytest.mark.parametrize("name", ["gpu", "mps", "cuda:99"])
def test_devices_that_are_not_there_are_named(name):
    with pytest.raises(UnavailableError, match=name):
        device_named(name)


def test_auto_takes_the_first_gpu_that_works(gpus, caplog):
    gpus(((6, 1), NO_IMAGE), ((8, 6), None))

    assert device_named("auto") == torch.device("cuda:1")
    assert "cuda:0 is left out: CUDA error: no kernel image" in caplog.text


@pytest.mark.parametrize(
    ("capability", "wheel"),
    [
        ((6, 1), "sm_61.*built for sm_75, sm_80, sm_90: install the wheel for CUDA 12.6"),
        ((7, 0), "sm_70.*CUDA 12.6"),
        ((8, 7), "sm_87.*JetPack"),
        ((12, 0), "sm_120.*a newer wheel"),
    ],
)
def test_a_gpu_that_this_pytorch_has_no_code_for_is_left_to_the_cpu_with_what_to_install(
    gpus, caplog, capability, wheel
):
    gpus((capability, NO_IMAGE))

    assert device_named("auto") == CPU
    with pytest.raises(UnavailableError, match=f"device cuda cannot be used: CUDA error.*{wheel}"):
        device_named("cuda")
    assert "kernel errors might" not in caplog.text  # a line of advice for programmers


def test_a_gpu_that_fails_for_another_reason_is_not_blamed_on_the_wheel(gpus, caplog):
    gpus(((8, 0), "CUDA error: out of memory"))

    assert device_named("auto") == CPU
    assert "out of memory" in caplog.text
    assert "install" not in caplog.text


def test_a_device_that_miscalculates_is_not_used(monkeypatch):
    monkeypatch.setattr(devices, "_trial", lambda device: 0.0)

    with pytest.raises(UnavailableError, match="gives 0 instead of 20736"):
        device_named("cpu")


def test_the_trial_passes_where_pytorch_works():
    assert fault_of(CPU) == ""


def test_without_a_gpu_auto_is_the_cpu(gpus):
    gpus()

    assert device_named("auto") == CPU


@pytest.mark.parametrize(
    ("capability", "usual", "has_bf16"),
    [
        ((6, 1), torch.float32, False),
        ((7, 0), torch.float16, False),
        ((7, 5), torch.float16, False),
        ((8, 0), torch.float16, True),
        ((12, 0), torch.float16, True),
    ],
)
def test_the_number_format_of_a_gpu_is_one_that_it_multiplies(gpus, capability, usual, has_bf16):
    gpus((capability, None))

    assert format_named("auto", CUDA) is usual
    assert multiplies_bf16(CUDA) is has_bf16


def test_a_number_format_that_is_named_is_taken():
    assert format_named("tf32", CUDA) is torch.float32
    assert format_named("bf16", CUDA) is torch.bfloat16


def test_a_cpu_runs_in_bf16_or_fp32():
    assert format_named("auto", CPU) in (torch.float32, torch.bfloat16)


def test_a_pytorch_that_cannot_tell_about_bf16_runs_in_fp32(monkeypatch):
    for name in BF16_TESTS:
        monkeypatch.delattr(torch.cpu, name, raising=False)

    assert format_named("auto", CPU) is torch.float32
