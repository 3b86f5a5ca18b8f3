"""The weights that a run begins with."""

import numpy as np
import pytest
import torch

from s2iammask_core.config import NetworkConfig
from s2iammask_core.errors import WeightsError
from s2iammask_core.model import checkpoint
from s2iammask_core.model.network import build_network
from s2iammask_core.training.settings import from_nested
from s2iammask_core.training.setup import begin_memory, initial_network

FORGETFUL = NetworkConfig("s2iammask", memory=False)


@pytest.fixture
def saved(tmp_path):
    """Writes a network with its own random weights and gives its file and them."""

    def save(seed, config=FORGETFUL):
        torch.manual_seed(seed)
        network = build_network(config)
        path = tmp_path / f"{seed}.safetensors"
        checkpoint.save(network, path)
        return str(path), checkpoint.load(path)[0].state_dict()

    return save


def settings(**values):
    network = {"variant": "s2iammask", "memory": False}
    return from_nested({"network": network, "data": [{"kind": "davis", "root": "x"}], **values})


def test_masks_can_begin_with_those_of_another_file(saved):
    first, ours = saved(1)
    second, theirs = saved(2)

    begun = initial_network(settings(initial=first, initial_masks=second)).state_dict()

    masks = {name for name in begun if name.startswith(("mask.", "region_masks."))}
    assert masks
    assert all(torch.equal(begun[name], theirs[name]) for name in masks)
    assert all(torch.equal(begun[name], ours[name]) for name in begun.keys() - masks)


def test_masks_that_do_not_fit_are_named(saved):
    first, _ = saved(1)
    other, _ = saved(2, NetworkConfig("s2iammask", mask_head="g1", memory=False))

    with pytest.raises(WeightsError, match=r"region_masks\.head"):
        initial_network(settings(initial=first, initial_masks=other))


def with_memory():
    torch.manual_seed(5)
    return build_network(NetworkConfig("s2iammask", memory=True)).eval()


def test_a_memory_that_never_learned_anything_begins_with_keys_that_tell_features_apart():
    network, patches = with_memory(), torch.rand(4, 3, 143, 143) * 255
    before = network.state_dict()
    untouched = {name: value.clone() for name, value in before.items() if "region_masks.memory" not in name}

    begin_memory(network, patches)

    with torch.no_grad():
        _, early, _, deep = network.backbone(patches)
        for keys in network.memory.reduced(early, deep):
            spread = torch.cov(keys.transpose(0, 1).flatten(1))
            assert (spread - torch.diag(spread.diagonal())).abs().max() < 1e-2 * spread.max()
    assert all(torch.equal(network.state_dict()[name], value) for name, value in untouched.items())


def test_a_memory_that_learned_something_and_networks_without_one_are_left_as_they_are():
    learned, without = with_memory(), build_network(FORGETFUL)
    learned.region_masks.recall.weight.data[0, 0, 0, 0] = 0.1

    for network in (learned, without):
        before = {name: value.clone() for name, value in network.state_dict().items()}
        begin_memory(network, torch.rand(1, 3, 143, 143))
        assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())


def test_first_masks_can_begin_with_imagenet_beside_weights_of_all_else(saved, tmp_path):
    first, ours = saved(1)
    network = build_network(NetworkConfig(first_mask=True))
    body = network.first_masks.body.state_dict()
    given = {name.replace("shortcut", "downsample"): value.numpy() for name, value in body.items()}
    np.savez(tmp_path / "resnet50.npz", **given)
    config = from_nested(
        {
            "objective": "first_mask",
            "trained": ["first_masks"],
            "unfrozen": [],
            "initial": first,
            "initial_masks": str(tmp_path / "resnet50.npz"),
            "data": [{"kind": "davis", "root": "x"}],
        }
    )

    begun = initial_network(config).state_dict()

    assert torch.equal(begun["first_masks.body.layer3.2.conv3.weight"], body["layer3.2.conv3.weight"])
    assert torch.equal(begun["backbone.conv1.weight"], ours["backbone.conv1.weight"])
