"""Networks with weights that make differences visible, and inputs for them."""

import pytest
import torch

from s2iammask_core.config import NetworkConfig
from s2iammask_core.model import build_network


@pytest.fixture
def random_network():
    """Makes a network with random weights, the same for the same variant."""

    def make(variant="s2iammask", **settings):
        torch.manual_seed(5)
        network = build_network(NetworkConfig(variant, **{"mask_detail": True, **settings}))
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # others than those of a fresh network
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.8, 1.2)
                torch.nn.init.uniform_(module.weight, 0.8, 1.2)
                torch.nn.init.normal_(module.bias, 0, 0.1)
        return network

    return make


@pytest.fixture
def patches():
    """Template patches (3, 3, 127, 127) and search patches (3, 3, 255, 255)."""
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.rand(3, 3, side, side, generator=generator) * 255 for side in (127, 255))


@pytest.fixture
def rois():
    corner = torch.tensor([[40.0, 60.0], [50.0, 55.0]])
    return torch.cat([corner, corner + 120], dim=1).expand(3, 2, 4)


@pytest.fixture
def outputs():
    """All outputs of a network: kernels, scores, deltas and masks."""

    @torch.inference_mode()
    def compute(network, patches, rois):
        templates, search = patches
        kernels = network.template(templates)
        found = network.search(kernels, search)
        parts = {"kernels": kernels, "scores": found.scores, "deltas": found.deltas}
        if network.mask_source == "roi":
            parts["masks"] = network.roi_masks(found, rois)
        if network.mask_source == "cell":
            parts["masks"] = network.cell_masks(found, torch.tensor([0, 312, 624]))
        return {name: part.float() for name, part in parts.items()}

    return compute
