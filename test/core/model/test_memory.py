"""The memory of pixels, on patches of two colours whose keys have nothing in common."""

import pytest
import torch

from s2iammask_core.model.memory import MAPS, Asked, PixelMemory, _cells_of, _occupancy, prior_grid
from s2iammask_core.model.pooling import DEEP, EARLY, Grid, sample_places
from s2iammask_core.tracking.network import MEMORY_KEY

TEMPLATE, SEARCH = (31, 15, 127), (63, 31, 255)  # sides of the early and deep features, and of the patch
REGIONS = torch.tensor([[[60.0, 70, 180, 190], [80, 90, 200, 210]]])
GRIDS = (EARLY[1], DEEP, Grid(1, 0.5))  # of early and deep features and of pixels
PLACES = ((30, 30, 90, 90), (20, 50, 70, 80))


@pytest.fixture
def memory():
    """Keys are the two channels of its features, as they are."""
    torch.manual_seed(4)
    made = PixelMemory(2, 2).eval().requires_grad_(False)
    for conv in (made.early, made.deep):
        conv.weight.zero_()
        conv.bias.zero_()
        conv.weight[:2, :, 0, 0] = torch.eye(2)
    return made


def drawn(sides, left, top, right, bottom):
    """Features and mask of a patch: the first channel in a rectangle, the second around it."""
    places = [grid.first + grid.stride * torch.arange(n) for grid, n in zip(GRIDS, sides, strict=True)]
    columns = [(each > left) & (each < right) for each in places]
    rows = [(each > top) & (each < bottom) for each in places]
    early, deep, mask = ((x & y[:, None]).float() for x, y in zip(columns, rows, strict=True))
    return torch.stack([early, 1 - early])[None], torch.stack([deep, 1 - deep])[None], mask[None]


def asked(memory, rows, place=(80, 90, 160, 170), prior=None):
    early, deep, _ = drawn(SEARCH, *place)
    count = len(rows)
    prior = torch.zeros(count, 64, 64) if prior is None else prior
    reduced = (each.expand(count, -1, -1, -1) for each in memory.reduced(early, deep))
    return Asked(*reduced, prior, rows, SEARCH[2])


def test_a_memory_of_nothing_says_nothing(memory):
    early, deep, mask = drawn(TEMPLATE, 30, 30, 90, 90)

    recall = memory.read(asked(memory, memory.remember(early, deep, 0 * mask)), REGIONS)

    assert recall.coarse.shape == (2, MAPS, 28, 28)
    assert all(each.abs().max() < 1e-5 for each in (recall.coarse, recall.fine))
    assert recall.odds.abs().max() < 1e-3


def test_an_objects_own_pixels_are_recalled_wherever_it_went(memory):
    rows = memory.remember(*drawn(TEMPLATE, 30, 30, 90, 90))
    region = torch.tensor([[[70.0, 80, 170, 180]]])  # ten pixels more than the object on each side

    recall = memory.read(asked(memory, rows), region)

    share, around = recall.fine[0, 0], torch.ones(56, 56, dtype=torch.bool)
    around[3:-3, 3:-3] = False
    assert (share[10:-10, 10:-10] > 0.95).all()
    assert (share[around] < 0.05).all()
    assert (recall.odds[0, 10:-10, 10:-10] > 3).all()
    assert (recall.odds[0][around] < -3).all()


def test_targets_of_a_batch_are_recalled_as_single_ones_are(memory):
    rows = torch.cat([memory.remember(*drawn(TEMPLATE, *place)) for place in PLACES])
    regions = torch.cat([REGIONS, REGIONS + 15])
    prior = torch.rand(2, 64, 64, generator=torch.Generator().manual_seed(2))

    together = memory.read(asked(memory, rows, prior=prior), regions)

    alone = [memory.read(asked(memory, rows[[n]], prior=prior[[n]]), regions[[n]]) for n in range(2)]
    for found, *wanted in zip(together, *alone, strict=True):
        torch.testing.assert_close(found, torch.cat(wanted), rtol=1e-4, atol=1e-5)


def test_unknown_pixels_count_as_neither_object_nor_surroundings(memory):
    early, deep, mask = drawn(TEMPLATE, 30, 30, 90, 90)
    mask[:, :, 61:] = -1  # nobody said what the right half is

    rows = memory.remember(early, deep, mask)

    told = rows[0, MEMORY_KEY:].unflatten(1, (31, 31))  # object, surroundings, values
    known = told[0] + told[1]
    assert not told[:, :, 15:].any()
    assert (known[:, :14] == 1).all()
    share = memory.read(asked(memory, rows), torch.tensor([[[90.0, 100, 150, 160]]])).fine[0, 0]
    assert (share > 0.4).all()  # as sure as the half that is known allows


def test_a_memory_lies_where_its_features_and_mask_lie():
    ramp = (torch.arange(127) + 0.5).expand(1, 127, 127)  # each pixel holds its own place
    places = 4.0 * torch.arange(31) + 3.5  # of early cells

    low, _, high, _ = _cells_of(31)
    object_, known = _occupancy(ramp)

    torch.testing.assert_close(sample_places(torch.tensor([low, high]), 31), places)
    torch.testing.assert_close(object_[0], places.expand(31, 31))
    assert (known == 1).all()


def test_a_prior_is_read_where_it_lies_in_the_patch(memory):
    places = prior_grid(255).first + prior_grid(255).stride * torch.arange(64)
    prior = (places / 255).expand(1, 64, 64)
    region = torch.tensor([[[40.0, 60, 152, 172]]])

    recall = memory.read(asked(memory, torch.zeros(1, 62, 961), prior=prior), region)

    wanted = (40 + 112 * (torch.arange(28) + 0.5) / 28) / 255
    torch.testing.assert_close(recall.coarse[0, MAPS - 1], wanted.expand(28, 28))


def test_the_first_keys_are_principal_components(memory):
    torch.manual_seed(3)
    mixed = torch.einsum("oc,nchw->nohw", torch.randn(40, 40), torch.randn(2, 40, 20, 20)) + 5
    begun = PixelMemory(40, 40).requires_grad_(False)

    begun.begin(mixed, mixed)

    for keys in begun.reduced(mixed, mixed):
        spread = torch.cov(keys.transpose(0, 1).flatten(1))
        variances = spread.diagonal()
        assert (spread - torch.diag(variances)).abs().max() < 1e-3 * variances.max()
        assert keys.mean(dim=(0, 2, 3)).abs().max() < 1e-2 * variances.max().sqrt()
    everything = torch.cov(mixed.transpose(0, 1).flatten(1)).diagonal().sum()
    assert variances.sum() > 0.95 * everything  # 32 of 40 numbers
