"""What an object looks like a while later; on drawn patches."""

import pytest
import torch

from s2iammask_core.data.deform import ORDERS, bends, exchanged, shaded
from s2iammask_core.data.noise import Noise
from s2iammask_core.data.pairs import NOISE

COUNT = 48


@pytest.fixture
def noise():
    return Noise(torch.rand(COUNT, NOISE, generator=torch.Generator().manual_seed(4)))


def test_parts_are_displaced_as_far_as_asked_and_neighbours_alike(noise):
    strength = torch.linspace(0, 8, COUNT)

    found = bends(noise, strength, 127)

    assert found.shape == (COUNT, 127, 127, 2)
    furthest = found.abs().amax(dim=(1, 2, 3))
    assert (furthest <= 1.5 * strength).all()  # a cubic overshoots its points a little
    assert (furthest[1:] >= 0.4 * strength[1:]).all()
    steps = found.diff(dim=1).abs().amax(dim=(1, 2, 3))
    assert (steps <= 0.1 * strength).all()  # nothing folds


def test_light_changes_smoothly_and_all_colours_alike(noise):
    patches = torch.full((COUNT, 3, 64, 64), 100.0)

    found = shaded(patches, noise, torch.full((COUNT,), 0.3))

    assert found.min() < 80
    assert found.max() > 120
    assert torch.equal(found[:, 0], found[:, 2])
    assert found.diff(dim=3).abs().max() < 4


def test_light_stays_where_nothing_shall_change(noise):
    patches = torch.rand(COUNT, 3, 32, 32) * 255

    torch.testing.assert_close(shaded(patches, noise, torch.zeros(COUNT)), patches)


def test_colours_are_exchanged_alike_in_both_patches_of_a_share_of_the_pairs(noise):
    colours = torch.tensor([10.0, 20, 30])[None, :, None, None]
    pair = colours.expand(COUNT, 3, 8, 8), colours.expand(COUNT, 3, 16, 16)

    first, second = exchanged(pair, noise, 0.5)

    assert torch.equal(first[:, :, 0, 0], second[:, :, 0, 0])
    orders = [tuple(int(value) // 10 - 1 for value in each) for each in first[:, :, 0, 0]]
    assert orders.count((0, 1, 2)) == pytest.approx(COUNT / 2, abs=12)
    assert {*orders} - {(0, 1, 2)} == {*ORDERS}
