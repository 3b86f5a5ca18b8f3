"""The weights that a run begins with."""

import pytest
import torch

from s2iammask_core.config import NetworkConfig
from s2iammask_core.errors import WeightsError
from s2iammask_core.model import checkpoint
from s2iammask_core.model.network import build_network
from s2iammask_core.training.settings import from_nested
from s2iammask_core.training.setup import initial_network

NANO = NetworkConfig("s2iammask_nano")


@pytest.fixture
def saved(tmp_path):
    """Writes a network with its own random weights and gives its file and them."""

    def save(seed, config=NANO):
        torch.manual_seed(seed)
        network = build_network(config)
        path = tmp_path / f"{seed}.safetensors"
        checkpoint.save(network, path)
        return str(path), checkpoint.load(path)[0].state_dict()

    return save


def settings(**values):
    network = {"variant": "s2iammask_nano"}
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
    other, _ = saved(2, NetworkConfig("s2iammask_nano", mask_head="g1"))

    with pytest.raises(WeightsError, match=r"region_masks\.head"):
        initial_network(settings(initial=first, initial_masks=other))
