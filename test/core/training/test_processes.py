"""The device, number format and group of a training process; GPUs and groups are made up."""

from datetime import timedelta

import pytest
import torch

from s2iammask_core import devices
from s2iammask_core.training import processes
from s2iammask_core.training.processes import Processes


@pytest.fixture
def gpus(monkeypatch):
    """Puts two GPUs of a capability into the machine; gives what was set as the current device."""
    chosen = []

    def put(capability):
        monkeypatch.setattr(devices, "fault_of", lambda device: "")
        for name, value in {
            "is_available": lambda: True,
            "device_count": lambda: 2,
            "get_device_capability": lambda device: capability,
            "set_device": chosen.append,
        }.items():
            monkeypatch.setattr(torch.cuda, name, value)
        return chosen

    return put


@pytest.mark.parametrize(
    ("capability", "precision"),
    [
        ((6, 1), torch.float32),
        ((7, 0), torch.float16),
        ((7, 5), torch.float16),
        ((8, 0), torch.bfloat16),
        ((9, 0), torch.bfloat16),
    ],
)
def test_a_gpu_computes_in_a_format_that_it_multiplies(gpus, capability, precision):
    chosen = gpus(capability)

    with Processes.start("auto", "auto") as found:
        assert found.precision is precision
        assert found.device == torch.device("cuda:0")
    assert chosen == [torch.device("cuda:0")]


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_each_process_of_a_machine_takes_its_own_gpu(gpus, monkeypatch, name):
    gpus((8, 0))
    monkeypatch.setenv("LOCAL_RANK", "1")

    with Processes.start(name, "fp32") as found:
        assert found.device == torch.device("cuda:1")


def test_a_pytorch_that_cannot_tell_about_bf16_trains_in_fp32_on_a_cpu(monkeypatch):
    for name in devices.BF16_TESTS:
        monkeypatch.delattr(torch.cpu, name, raising=False)

    with Processes.start("cpu", "auto") as found:
        assert found.precision is torch.float32


def test_processes_wait_for_the_validation_of_the_first_one(monkeypatch):
    asked = {}
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(
        processes.dist, "init_process_group", lambda backend, **named: asked.update(named, backend=backend)
    )
    monkeypatch.setattr(processes.dist, "destroy_process_group", lambda: None)

    with Processes.start("cpu", "fp32"):
        pass

    assert asked["backend"] == "gloo"
    assert asked["timeout"] >= timedelta(hours=6)  # NCCL's own is ten minutes
