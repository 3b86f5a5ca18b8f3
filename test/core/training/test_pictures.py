"""Pictures of what a network says of a batch."""

import numpy as np
import pytest
import torch

from s2iammask_core.data.augment import Batch
from s2iammask_core.geometry import PRIOR_CELLS
from s2iammask_core.training.pictures import FOUND, TRUE, pictures, predict
from s2iammask_core.training.settings import from_nested
from s2iammask_core.training.setup import initial_network, set_trained


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(3)
    search = torch.rand(2, 3, 143, 143, generator=generator) * 255
    mask = torch.zeros(2, 143, 143, dtype=torch.bool)
    mask[:, 50:90, 40:100] = True
    box = torch.tensor([[40.0, 50, 100, 90]]).expand(2, -1)
    return Batch(
        template=torch.rand(2, 3, 127, 127, generator=generator) * 255,
        template_mask=torch.zeros(2, 127, 127),
        search=search,
        mask=mask,
        unknown=torch.zeros_like(mask),
        prior=torch.zeros(2, PRIOR_CELLS, PRIOR_CELLS),
        box=box,
        positive=torch.tensor([True, False]),
        has_mask=torch.ones(2, dtype=torch.bool),
        seed=torch.arange(2),
    )


@pytest.fixture
def run(small_settings):
    """A configured network in the midst of a training, and its settings."""
    config = from_nested(small_settings | {"objective": "base", "network": {"variant": "siammask_base"}})
    network = initial_network(config)
    set_trained(network, config, epoch=0)
    network.score.head[1].train()  # a batch norm that learns
    return network, config


def test_the_network_and_the_random_numbers_are_left_as_they_were(run, batch):
    network, config = run
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    random = torch.get_rng_state()

    pictures(network, batch, config)

    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert True in modes
    assert torch.equal(torch.get_rng_state(), random)


def test_the_label_is_drawn_where_there_is_one_and_the_prediction_always(run, batch):
    network, config = run

    shown = pictures(network, batch, config)

    assert {images.dtype for images in shown.values()} == {torch.uint8}
    label, prediction = (shown[name].permute(0, 2, 3, 1).numpy() for name in ("label", "prediction"))
    assert (label[0] == TRUE).all(axis=-1).any()
    np.testing.assert_array_equal(label[1], shown["search"][1].permute(1, 2, 0).numpy())
    assert all((each == FOUND).all(axis=-1).any() for each in prediction)


def test_the_best_box_and_its_mask_lie_in_the_patch(run, batch):
    network, config = run

    found = predict(network, batch, config)

    assert ((found.boxes >= 0) & (found.boxes <= 143)).all()
    assert found.masks.shape == (2, 143, 143)
    assert (found.masks > 0).any()
    assert found.scores.amax() <= 1
