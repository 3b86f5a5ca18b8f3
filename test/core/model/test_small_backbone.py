"""The small backbone: the same grid, an eighth of the work."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from s2iammask_core.config import NetworkConfig
from s2iammask_core.errors import WeightsError
from s2iammask_core.model import build_network, checkpoint
from s2iammask_core.model.backbone import Backbone
from s2iammask_core.model.imagenet import load_imagenet


@pytest.fixture
def network():
    torch.manual_seed(1)
    return build_network(NetworkConfig("s2iammask", memory=False))


@torch.inference_mode()
def test_the_small_network_answers_in_the_shapes_of_the_large_network(network):
    templates = network.template(torch.rand(2, 3, 127, 127) * 255, torch.zeros(2, 127, 127))
    output = network.search(templates, torch.rand(2, 3, 255, 255) * 255, torch.zeros(2, 64, 64))
    masks = network.roi_masks(output, torch.tensor([[[60.0, 60, 180, 200]]]).expand(2, 3, 4))

    assert network.kernels_of(templates).shape == (2, 3 * 64, 5, 5)
    assert output.scores.shape == (2, 2, 5, 25, 25)
    assert output.deltas.shape == (2, 4, 5, 25, 25)
    assert masks.shape == (2, 3, 56, 56)


@torch.inference_mode()
def test_the_cells_of_the_small_backbone_lie_where_those_of_the_large_backbone_do(network):
    """A lone bright spot is seen most by the cell that sits on it: cell i at patch pixel 8 i + 7.5."""
    patch = torch.zeros(1, 3, 255, 255)
    seen = []
    for cell in (8, 15, 20):
        lit = patch.clone()
        lit[..., 8 * cell + 7, 8 * cell + 7] = 255
        change = (network.backbone(lit)[2] - network.backbone(patch)[2]).abs().sum(dim=1)[0]
        places = torch.arange(31, dtype=torch.float32)
        seen.append(float((change.sum(dim=0) * places).sum() / change.sum()))
    assert seen == pytest.approx([8, 15, 20], abs=0.5)


@torch.inference_mode()
def test_the_small_backbone_takes_at_most_1_8_gmac(network):
    with FlopCounterMode(display=False) as counter:
        network.backbone(torch.zeros(1, 3, 255, 255))
    assert counter.get_total_flops() / 2 <= 1.8e9


def test_a_file_of_the_small_network_has_at_most_8_mb(network, tmp_path):
    path = tmp_path / "small.safetensors"
    checkpoint.save(network, path)

    assert path.stat().st_size <= 8e6
    assert checkpoint.load(path)[0].config == network.config


def test_the_small_backbone_begins_with_what_it_has_of_a_resnet_50(network, tmp_path):
    path, large = tmp_path / "resnet50.npz", Backbone().state_dict()
    given = {name.replace("shortcut", "downsample"): value for name, value in large.items()}
    for name in ("layer1.0.downsample.0.weight", "layer2.0.downsample.0.weight"):
        given[name] = given[name][:, :, :1, :1]
    np.savez(path, **{name: value.numpy() for name, value in given.items()})

    load_imagenet(network.backbone, path)

    own = network.backbone.state_dict()
    assert torch.equal(own["conv1.weight"], given["conv1.weight"].flip(1))
    for name in ("layer1.0.shortcut.0.weight", "layer2.0.shortcut.0.weight", "layer2.2.conv3.weight"):
        assert torch.equal(own[name], given[name.replace("shortcut", "downsample")])


def test_a_file_that_lacks_a_layer_is_refused_by_its_name(network, tmp_path):
    path = tmp_path / "resnet50.npz"
    np.savez(path, **{"conv1.weight": np.zeros((64, 3, 7, 7), np.float32)})

    with pytest.raises(WeightsError, match=r"has no bn1\.weight"):
        load_imagenet(network.backbone, path)
