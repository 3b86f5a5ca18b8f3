from dataclasses import replace

import pytest
import torch

from s2iammask_core.config import TrackerConfig
from s2iammask_core.sampling import paste
from s2iammask_core.tracking.settings import StepSettings
from s2iammask_core.tracking.voting import regions, solid, vote

SETTINGS = StepSettings.of(TrackerConfig())
SQUARE = [100.0, 100.0, 150.0, 150.0]
GREY = torch.full((1, 3, 255, 255), 127.0)


def full(count, side=28):
    return torch.ones(1, count, side, side)


def everyone(count):
    return torch.ones(1, count, dtype=torch.bool)


def test_a_pasted_mask_fills_its_region_and_nothing_else():
    pasted = paste(full(1), torch.tensor([[SQUARE]]), 255)[0, 0]

    assert pasted.sum().item() == pytest.approx(2500, rel=1e-5)
    assert pasted[100:150, 100:150].min().item() == pytest.approx(1)


def test_pasting_agrees_with_a_bilinear_resize_on_whole_pixels():
    torch.manual_seed(0)
    masks = torch.rand(2, 3, 28, 28)
    region = torch.tensor([20.0, 30.0, 20 + 84.0, 30 + 100.0]).expand(2, 3, 4)

    pasted = paste(masks, region, 255)

    resized = torch.nn.functional.interpolate(masks, size=(100, 84), mode="bilinear", align_corners=False)
    torch.testing.assert_close(pasted[..., 30:130, 20:104], resized)


def test_a_ramp_is_pasted_exactly_between_whole_pixels():
    ramp = ((torch.arange(28) + 0.5) / 28).expand(1, 1, 28, 28)

    pasted = paste(ramp, torch.tensor([[[10.25, 0.0, 110.25, 255.0]]]), 255)[0, 0, 7]

    middle = torch.arange(20, 100)
    torch.testing.assert_close(pasted[middle], (middle + 0.5 - 10.25) / 100)


def test_six_of_ten_votes_make_a_pixel_object_and_five_do_not():
    rois = torch.tensor([[SQUARE] * 10])
    masks = full(10)
    masks[:, 6:, :14] = 0  # the upper half has six votes
    masks[:, 5:, 14:] = 0  # the lower half has five

    votes = vote(masks, rois, everyone(10), GREY, SETTINGS)

    assert votes.levels[0, 110, 120].item() == 6
    assert votes.levels[0, 140, 120].item() == 5
    assert votes.voters.item() == 10


def test_unanimous_masks_agree_fully():
    assert vote(
        full(10), torch.tensor([[SQUARE] * 10]), everyone(10), GREY, SETTINGS
    ).agreement.item() == pytest.approx(1)


def test_masks_that_differ_agree_by_their_mean_overlap_with_the_vote():
    half = full(10)
    half[:, 6:, :, 14:] = 0  # four masks have only the left half; the vote is the whole

    agreement = vote(half, torch.tensor([[SQUARE] * 10]), everyone(10), GREY, SETTINGS).agreement.item()

    assert agreement == pytest.approx(0.6 + 0.4 * 0.5, abs=0.02)


def test_nobody_agrees_on_an_empty_mask():
    votes = vote(torch.zeros(1, 10, 28, 28), torch.tensor([[SQUARE] * 10]), everyone(10), GREY, SETTINGS)

    assert votes.agreement.item() == 0
    assert votes.levels.max().item() == 0


def test_a_pixel_below_the_mask_threshold_does_not_vote():
    votes = vote(full(1) * 0.2, torch.tensor([[SQUARE]]), everyone(1), GREY, SETTINGS)

    assert votes.levels.max().item() == 0


def test_proposals_without_a_region_do_not_vote():
    rois = torch.tensor([[SQUARE, [10.0, 10.0, 10.5, 90.0]]])

    votes = vote(full(2), rois, solid(rois), GREY, SETTINGS)

    assert solid(rois).tolist() == [[True, False]]
    assert votes.voters.item() == 1
    assert votes.levels[0, 20, 10].item() == 0


def test_regions_are_enlarged_about_their_centre_and_clamped_to_the_patch():
    proposals = torch.tensor([[[100.0, 100.0, 120.0, 110.0], [-300.0, 200.0, 400.0, 250.0]]])

    found = regions(proposals, replace(SETTINGS, roi_scale=2.0), 255)

    assert found.tolist() == [[[90, 95, 130, 115], [0, 175, 255, 255]]]


def test_the_wider_mask_holds_what_the_mask_leaves_out():
    masks = torch.full((1, 10, 4, 4), 0.3)
    masks[..., 1:3, 1:3] = 0.9
    rois = torch.tensor([[[40.0, 40.0, 80.0, 80.0]]]).expand(1, 10, 4)
    settings = replace(SETTINGS, mask_threshold=0.5, reach_threshold=0.2)

    votes = vote(masks, rois, torch.ones(1, 10), GREY, settings)

    assert int((votes.reach > 5).sum()) == 40 * 40
    assert 0 < int((votes.levels > 5).sum()) < 40 * 40 / 2
    assert (votes.reach >= votes.levels).all()


def two_colours():
    """A patch that is red in the left half of SQUARE and blue elsewhere."""
    patch = torch.zeros(1, 3, 255, 255)
    patch[:, 2] = 200
    patch[:, :, 100:150, 100:125] = torch.tensor([200.0, 20.0, 20.0])[:, None, None]
    return patch


def unsure_about(rows, columns, chance):
    """A mask of the left half of SQUARE, with another chance in some of its cells."""
    mask = torch.full((1, 1, 10, 10), 0.05)
    mask[..., :5] = 0.95
    mask[..., rows, columns] = chance
    return mask


def levels_without_and_with_colours(mask):
    """What one mask says about the two colours, each (255, 255)."""
    case = mask, torch.tensor([[SQUARE]]), everyone(1), two_colours()
    return [vote(*case, replace(SETTINGS, colour_weight=each)).levels[0] for each in (0.0, 1.5)]


def test_a_part_that_the_mask_misses_is_object_if_it_has_the_colours_of_the_rest():
    mask = unsure_about(slice(0, 3), slice(0, 5), 0.3)

    without, with_colours = levels_without_and_with_colours(mask)

    part = (slice(100, 110), slice(102, 123))
    assert without[part].max() == 0
    assert with_colours[part].min() == 1


def test_a_part_that_the_mask_adds_is_none_if_it_has_the_colours_of_the_surroundings():
    mask = unsure_about(slice(0, 3), slice(5, 10), 0.6)

    without, with_colours = levels_without_and_with_colours(mask)

    part = (slice(102, 112), slice(127, 148))
    assert without[part].min() == 1
    assert with_colours[part].max() == 0


def test_where_everything_has_one_colour_it_says_nothing():
    masks = torch.rand(1, 10, 28, 28, generator=torch.Generator().manual_seed(0))
    rois = torch.tensor([[SQUARE] * 10])

    with_colours, without = (
        vote(masks, rois, everyone(10), GREY, replace(SETTINGS, colour_weight=each)) for each in (1.5, 0.0)
    )

    assert torch.equal(with_colours.levels, without.levels)


def test_how_far_masks_agree_does_not_depend_on_colours():
    mask = torch.cat([unsure_about(slice(0, 3), slice(0, 5), each) for each in (0.3, 0.9)], dim=1)
    rois = torch.tensor([[SQUARE, SQUARE]])

    agreements = [
        vote(mask, rois, everyone(2), two_colours(), replace(SETTINGS, colour_weight=each)).agreement.item()
        for each in (0.0, 5.0)
    ]

    assert agreements[0] == agreements[1]
