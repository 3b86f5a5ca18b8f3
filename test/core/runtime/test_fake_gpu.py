"""The step on a GPU that is not there: PyTorch's fake tensors say where each would lie and what shape it has,
and raise where the host would have to wait for a value.
"""

import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from s2iammask_core.config import NetworkConfig, TrackerConfig
from s2iammask_core.model import build_network
from s2iammask_core.runtime.captured import ROW, step_work
from s2iammask_core.runtime.fused import place_fused
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.tracking import colour_evidence, proposals
from s2iammask_core.tracking.answer import FIGURES
from s2iammask_core.tracking.settings import LIVE, StepSettings

GPU = torch.device("cuda:0")
NETWORKS = [
    NetworkConfig("siammask_box"),
    NetworkConfig("siammask_base"),
    NetworkConfig("siammask_sharp"),
    NetworkConfig("s2iammask", backbone="resnet50"),
    NetworkConfig("s2iammask", mask_head="g1", head_input="search", mask_detail=False, memory=False),
    NetworkConfig(),
]


class OnTheGpuAlone(TorchDispatchMode):
    """Notes the operations, and those with a tensor elsewhere."""

    def __init__(self):
        super().__init__()
        self.operations, self.elsewhere = [], []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        found = operation(*args, **(kwargs or {}))
        self.operations.append(str(operation))
        tensors = [each for each in tree_leaves((args, kwargs, found)) if isinstance(each, torch.Tensor)]
        if any(each.device != GPU for each in tensors):
            self.elsewhere.append(str(operation))
        return found


@pytest.fixture
def fake():
    """The mode that makes fake tensors; what is cached by device is made anew in it, and forgotten after."""
    caches = proposals._kept_grid, colour_evidence._kept_mix
    for cache in caches:
        cache.cache_clear()
    yield FakeTensorMode()
    for cache in caches:
        cache.cache_clear()


def on_gpu(mode, module):
    """Moves a module without memory onto the fake GPU."""
    for each in module.modules():
        for name, value in each._parameters.items():
            if value is not None:
                moved = FakeTensor(mode, value.detach(), GPU)
                each._parameters[name] = torch.nn.Parameter(moved, requires_grad=False)
        for name, value in each._buffers.items():
            if value is not None:
                each._buffers[name] = FakeTensor(mode, value, GPU)


def prepared(mode, config):
    with torch.device("meta"), torch.inference_mode():
        network = PreparedNetwork(build_network(config), torch.device("meta"), torch.float16)
    on_gpu(mode, network.module)
    on_gpu(mode, network.searches)
    return network


def operations(mode, network, config, count):
    """What a step for so many windows does on the GPU, after one that computes what is kept."""
    work = step_work(network, StepSettings.of(config))
    with mode, torch.inference_mode(), torch.device(GPU):
        side = config.template_pixels
        kernels = network.template(torch.empty(count, 3, side, side), torch.empty(count, side, side))
        pixels, live = torch.empty(10_000, 3, dtype=torch.uint8), torch.empty(len(LIVE))
        inputs = pixels, kernels, torch.empty(count, ROW), live
    with mode, torch.inference_mode():
        work(*inputs)
        with OnTheGpuAlone() as seen:
            answer = work(*inputs)
    maps = 0 if network.mask_source == "none" else 2 * config.search_pixels**2
    assert (answer.shape, answer.dtype) == ((count, 4 * FIGURES + maps), torch.uint8)
    return seen


@pytest.mark.parametrize("network", NETWORKS, ids=lambda each: f"{each.variant}-{each.mask_head}")
def test_a_step_stays_on_the_gpu_and_is_the_same_for_any_number_of_windows(fake, network):
    ready = prepared(fake, network)

    one, eight = (operations(fake, ready, TrackerConfig(), count) for count in (1, 8))

    assert one.elsewhere == eight.elsewhere == []
    assert one.operations == eight.operations
    assert len(one.operations) < 2000


def test_first_masks_are_found_on_the_gpu(fake):
    ready = prepared(fake, NetworkConfig())
    side = ready.first_pixels

    with fake, torch.inference_mode(), torch.device(GPU):
        patches, boxes = torch.empty(3, 3, side, side), torch.empty(3, side, side)
        with OnTheGpuAlone() as seen:
            found = ready.first_mask(patches, boxes)

    assert (found.shape, found.dtype) == (boxes.shape, torch.float32)
    assert seen.elsewhere == []


@pytest.fixture
def fake_cudnn():
    """What cuDNN's fused convolutions would give: PyTorch itself has no fake ones."""

    def relu(x, weight, bias, *shape):
        return F.conv2d(x, weight, bias, *shape)

    def add_relu(x, weight, added, alpha, bias, *shape):
        return relu(x, weight, bias, *shape) + alpha * added

    with torch.library._scoped_library("aten", "FRAGMENT") as library:
        for name, made in (("cudnn_convolution_relu", relu), ("cudnn_convolution_add_relu", add_relu)):
            torch.library.register_fake(f"aten::{name}", made, lib=library)
        yield


@pytest.mark.usefixtures("fake_cudnn")
@pytest.mark.parametrize("network", NETWORKS, ids=lambda each: f"{each.variant}-{each.mask_head}")
def test_fused_convolutions_stay_on_the_gpu_and_are_fewer_operations(fake, network):
    plain, ready = prepared(fake, network), prepared(fake, network)
    fusion = place_fused(ready)

    before = operations(fake, plain, TrackerConfig(), 1)
    one, eight = (operations(fake, ready, TrackerConfig(), count) for count in (1, 8))

    assert fusion.works
    assert one.elsewhere == []
    assert one.operations == eight.operations
    fused = sum("cudnn_convolution" in each for each in one.operations)
    assert fused > 0
    assert len(one.operations) <= len(before.operations) - fused


@pytest.mark.parametrize("settings", [{"proposal_nms": 0.7}, {"mask_regions": 0}, {"proposals": 1}])
def test_other_settings_do_not_leave_the_gpu_either(fake, settings):
    network = prepared(fake, NetworkConfig("s2iammask", memory=False))

    assert operations(fake, network, TrackerConfig(**settings), 2).elsewhere == []
