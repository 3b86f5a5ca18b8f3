"""Masks and patches made worse, by random numbers that are given."""

import pytest
import torch

from s2iammask_core.data.augment import AugmentConfig
from s2iammask_core.data.degrade import degraded
from s2iammask_core.data.noise import Noise
from s2iammask_core.data.pairs import NOISE
from s2iammask_core.data.spoil import WAYS, box_prior, spoil
from s2iammask_core.geometry import PRIOR_CELLS

GROWN, SHRUNK, SOFT, CUT_OFF, SPILT, FAINT = range(WAYS)


def numbers(count, seed=1):
    return torch.rand(count, NOISE, generator=torch.Generator().manual_seed(seed))


def drawn(count=1, side=64):
    masks = torch.zeros(count, side, side)
    masks[:, 20:44, 16:40] = 1
    return masks


def spoilt(way, masks=None, seed=1):
    """Masks spoilt in one of the ways."""
    masks = drawn() if masks is None else masks
    values = numbers(len(masks), seed)
    values[:, 0] = (way + 0.5) / WAYS
    return spoil(masks, Noise(values), share=1.0, size=5)


def test_the_same_numbers_spoil_a_mask_alike_whatever_stands_beside_it():
    values = numbers(12)
    masks = drawn(12)

    found = spoil(masks, Noise(values), share=0.9, size=5)

    assert torch.equal(found, spoil(masks, Noise(values), share=0.9, size=5))
    assert torch.equal(found[5:6], spoil(masks[5:6], Noise(values[5:6]), share=0.9, size=5))


def test_no_more_than_a_share_of_the_masks_is_spoilt():
    masks = drawn(200)

    changed = [
        int((spoil(masks, Noise(numbers(200)), share, size=5) != masks).any(dim=2).any(dim=1).sum())
        for share in (0.0, 0.5, 1.0)
    ]

    assert changed[0] == 0
    assert 70 <= changed[1] <= 130
    assert changed[2] >= 195


def test_a_grown_or_spilt_mask_holds_the_object_and_more():
    for way in (GROWN, SPILT):
        found = spoilt(way)
        assert (found >= drawn()).all()
        assert found.sum() > drawn().sum()


def test_a_shrunk_or_cut_mask_is_a_part_of_the_object():
    for way in (SHRUNK, CUT_OFF):
        found = spoilt(way)
        assert (found <= drawn()).all()
        assert 0.3 * drawn().sum() < found.sum() < drawn().sum()


def test_a_soft_mask_has_a_slope_and_a_faint_one_has_less_of_everything():
    soft, faint = spoilt(SOFT), spoilt(FAINT)

    assert len(soft.unique()) > 3
    assert soft.sum() == pytest.approx(float(drawn().sum()), rel=1e-4)
    assert 0.4 <= faint.max() < 1


@pytest.mark.parametrize("way", range(WAYS))
def test_what_is_unknown_stays_unknown(way):
    masks = drawn()
    masks[:, :, 38:50] = -1  # beside the object and over its edge

    found = spoilt(way, masks)

    assert torch.equal(found == -1, masks == -1)
    assert ((found >= 0) == (masks >= 0)).all()


def test_a_box_says_half_of_each_of_its_pixels():
    boxes = torch.tensor([[20.0, 40, 120, 80]]).expand(64, -1)

    found = box_prior(boxes, 255, Noise(numbers(64)))

    cell = 255 / PRIOR_CELLS
    areas = found.sum(dim=(1, 2)) * cell**2
    exact = (areas - 0.5 * 100 * 40).abs() < 1
    assert 20 < exact.sum() < 44  # the others are as a hand draws them
    assert found.max() == 0.5
    assert (found[:, 13:17, 9:26] == 0.5).all()  # well inside of all of them
    assert not found[:, :, 35:].any()


CONFIG = AugmentConfig(coarse=1.0, night=1.0, blur=1.0)


@pytest.fixture
def pictures():
    """Templates and search patches of eight pairs."""
    generator = torch.Generator().manual_seed(2)
    return tuple(torch.rand(8, 3, side, side, generator=generator) * 255 for side in (127, 143))


def changed(before, after):
    return (before != after).flatten(1).any(dim=1)


def test_the_same_numbers_degrade_a_pair_alike_whatever_stands_beside_it(pictures):
    steady = torch.arange(8) % 2 == 0

    found = degraded(*pictures, Noise(numbers(8)), steady, CONFIG)

    part = [each[3:4] for each in (*pictures, numbers(8), steady)]
    alone = degraded(part[0], part[1], Noise(part[2]), part[3], CONFIG)
    for one, other in zip(found, alone, strict=True):
        torch.testing.assert_close(one[3:4], other, rtol=1e-4, atol=1e-3)


def test_both_pictures_of_a_pair_in_which_nothing_moves_suffer_alike(pictures):
    template, search = degraded(*pictures, Noise(numbers(8)), torch.ones(8, dtype=torch.bool), CONFIG)

    worse = changed(pictures[1], search)
    assert torch.equal(worse, changed(pictures[0], template))
    assert 0 < worse.sum() < 8


def test_a_search_patch_of_the_night_is_darker(pictures):
    config = AugmentConfig(coarse=0.0, night=1.0, blur=0.0)

    template, search = degraded(*pictures, Noise(numbers(8)), torch.zeros(8, dtype=torch.bool), config)

    assert torch.equal(template, pictures[0])
    assert (search.mean(dim=(1, 2, 3)) < 0.75 * pictures[1].mean(dim=(1, 2, 3))).all()


def test_nothing_is_degraded_unless_the_settings_say_so(pictures):
    config = AugmentConfig(coarse=0.0, night=0.0, blur=0.0)

    found = degraded(*pictures, Noise(numbers(8)), torch.zeros(8, dtype=torch.bool), config)

    assert all(torch.equal(*pair) for pair in zip(found, pictures, strict=True))
