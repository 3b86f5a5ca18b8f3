import pytest
import torch

from s2iammask_core.tracking.colour_evidence import colour_evidence

EVERYWHERE = torch.ones(1, 8, 8, dtype=torch.bool)


def patch_of(left, right):
    """(1, 3, 8, 8): one colour in the left half, another one in the right half."""
    patch = torch.empty(1, 3, 8, 8)
    patch[..., :4] = torch.tensor(left, dtype=torch.float32)[:, None, None]
    patch[..., 4:] = torch.tensor(right, dtype=torch.float32)[:, None, None]
    return patch


def left_half():
    mask = torch.zeros(1, 8, 8)
    mask[..., :4] = 1
    return mask


def test_a_colour_that_only_the_object_has_speaks_for_it_and_others_against():
    evidence = colour_evidence(patch_of((250, 0, 0), (0, 0, 250)), left_half(), EVERYWHERE)

    assert evidence[..., :4].unique().tolist() == [3]
    assert evidence[..., 4:].unique().tolist() == [-3]


def test_a_colour_weighs_as_much_as_it_is_more_frequent_in_the_object():
    patch = patch_of((250, 0, 0), (0, 0, 250))
    patch[..., 2, 4:] = patch[..., 2, :4]  # one row of eight is red in the surroundings too

    evidence = colour_evidence(patch, left_half(), EVERYWHERE)

    assert evidence[0, 0, 0].item() == pytest.approx(torch.tensor(8.0).log().item(), rel=1e-3)


def test_shades_on_either_side_of_a_bin_are_nearly_one_colour():
    patch = patch_of((127, 127, 127), (128, 128, 128))

    evidence = colour_evidence(patch, left_half(), EVERYWHERE)

    assert evidence.abs().max().item() < 3


def test_pixels_that_no_mask_looks_at_do_not_count():
    patch = patch_of((250, 0, 0), (250, 0, 0))
    patch[..., 7] = torch.tensor([0.0, 250.0, 0.0])[:, None]
    looked_at = EVERYWHERE.clone()
    looked_at[..., 7] = False

    evidence = colour_evidence(patch, left_half(), looked_at)

    assert evidence[..., :7].abs().max().item() < 1e-3


def test_patches_do_not_see_each_other():
    patches = torch.cat([patch_of((250, 0, 0), (0, 0, 250)), patch_of((0, 0, 250), (250, 0, 0))])
    masks = left_half().expand(2, 8, 8)

    both = colour_evidence(patches, masks, EVERYWHERE.expand(2, 8, 8))

    apart = [
        colour_evidence(*each)
        for each in zip(patches.split(1), masks.split(1), [EVERYWHERE] * 2, strict=True)
    ]
    assert torch.equal(both, torch.cat(apart))


def test_without_any_mask_the_evidence_is_still_a_number():
    evidence = colour_evidence(patch_of((0, 0, 0), (9, 9, 9)), torch.zeros(1, 8, 8), EVERYWHERE)

    assert evidence.isfinite().all()
