import pytest
import torch

from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import UnavailableError
from s2iammask_core.runtime.devices import device_named, format_named
from s2iammask_core.runtime.loading import make_tracker


def test_a_graph_needs_a_gpu(random_network):
    with pytest.raises(UnavailableError, match="CUDA"):
        make_tracker(random_network("siammask_box"), runtime=RuntimeConfig(device="cpu", runtime="graph"))


@pytest.mark.parametrize("name", ["gpu", "mps", "cuda:99"])
def test_devices_that_are_not_there_are_named(name):
    with pytest.raises(UnavailableError, match=name):
        device_named(name)


def test_number_formats_follow_the_device():
    assert format_named("auto", torch.device("cuda")) is torch.float16
    assert format_named("auto", torch.device("cpu")) in (torch.float32, torch.bfloat16)
    assert format_named("tf32", torch.device("cuda")) is torch.float32


def test_the_number_of_threads_is_a_setting(random_network):
    before = torch.get_num_threads()
    make_tracker(random_network("siammask_box"), runtime=RuntimeConfig(device="cpu", threads=1))

    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)
