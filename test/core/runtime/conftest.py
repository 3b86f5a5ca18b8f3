"""Networks with weights that make differences visible, and inputs for them."""

import pytest
import torch

from s2iammask_core.config import NetworkConfig
from s2iammask_core.geometry import PRIOR_CELLS
from s2iammask_core.model import build_network


@pytest.fixture(scope="session")
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
        if network.memory is not None:  # as large beside what it joins as after some training
            for recall in (network.region_masks.recall, network.region_masks.detail.recall):
                torch.nn.init.normal_(recall.weight, 0, 100)
        return network

    return make


@pytest.fixture(scope="session")
def patches():
    """Template patches (3, 3, 127, 127) and search patches (3, 3, 255, 255)."""
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.rand(3, 3, side, side, generator=generator) * 255 for side in (127, 255))


@pytest.fixture(scope="session")
def rois():
    corner = torch.tensor([[40.0, 60.0], [50.0, 55.0]])
    return torch.cat([corner, corner + 120], dim=1).expand(3, 2, 4)


def masks_of(templates):
    """What is remembered of the objects in template patches, for networks that do."""
    masks = torch.zeros_like(templates[:, 0])
    masks[:, 40:90, 30:80] = 1
    return masks


def priors_of(patches):
    """Where they were in search patches."""
    priors = torch.zeros(len(patches), PRIOR_CELLS, PRIOR_CELLS)
    priors[:, 20:40, 24:44] = 1
    return priors


@pytest.fixture
def outputs():
    """All outputs of a network: kernels, scores, deltas and masks."""

    @torch.inference_mode()
    def compute(network, patches, rois):
        templates, search = patches
        kernels = network.template(templates, masks_of(templates))
        found = network.search(kernels, search, priors_of(search))
        parts = {"kernels": kernels, "scores": found.scores, "deltas": found.deltas}
        if network.mask_source == "roi":
            parts["masks"] = network.roi_masks(found, rois)
        if network.mask_source == "cell":
            parts["masks"] = network.cell_masks(found, torch.tensor([0, 312, 624]))
        return {name: part.float() for name, part in parts.items()}

    return compute


@pytest.fixture(scope="session")
def calm_network(random_network, patches, rois):
    """The same with scores, box deltas and masks of a usual size, as tracking needs them."""

    @torch.no_grad()
    def make(variant="s2iammask", **settings):
        network = random_network(variant, **settings)
        kernels = network.template(patches[0], masks_of(patches[0]))
        found = network.search(kernels, patches[1], priors_of(patches[1]))
        _scale(found.scores, network.score.head[-1])
        _scale(10 * found.deltas, network.box.head[-1])
        if network.mask_source == "roi":
            masks = network.region_masks
            _scale(network.roi_masks(found, rois), masks.head.out, masks.detail.out)
        elif network.mask_source == "cell":
            last = network.refine.post2 if variant == "siammask_sharp" else network.mask.head[-1]
            _scale(network.cell_masks(found, torch.tensor([0, 312, 624])), last)
        return network

    return make


def _scale(outputs, *layers):
    for layer in layers:
        layer.weight.div_(outputs.std())
        layer.bias.zero_()
