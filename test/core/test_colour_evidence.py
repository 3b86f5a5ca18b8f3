import pytest
import torch

from s2iammask_core.tracking.colour_evidence import colour_evidence, shades

UNLIKELY = 1e-6  # looked at, but not object


def evidence_in(patches, masks):
    """(N, 8, 8): the evidence of each pixel's colour."""
    seen = shades(patches)
    return colour_evidence(seen, masks.flatten(1)).gather(1, seen).reshape(masks.shape)


def patch_of(left, right):
    """(1, 3, 8, 8): one colour in the left half, another one in the right half."""
    patch = torch.empty(1, 3, 8, 8)
    patch[..., :4] = torch.tensor(left, dtype=torch.float32)[:, None, None]
    patch[..., 4:] = torch.tensor(right, dtype=torch.float32)[:, None, None]
    return patch


def left_half():
    mask = torch.full((1, 8, 8), UNLIKELY)
    mask[..., :4] = 1
    return mask


def test_a_colour_that_only_the_object_has_speaks_for_it_and_others_against():
    evidence = evidence_in(patch_of((250, 0, 0), (0, 0, 250)), left_half())

    assert evidence[..., :4].unique().tolist() == [3]
    assert evidence[..., 4:].unique().tolist() == [-3]


def test_a_colour_weighs_as_much_as_it_is_more_frequent_in_the_object():
    patch = patch_of((250, 0, 0), (0, 0, 250))
    patch[..., 2, 4:] = patch[..., 2, :4]  # one row of eight is red in the surroundings too

    evidence = evidence_in(patch, left_half())

    assert evidence[0, 0, 0].item() == pytest.approx(torch.tensor(8.0).log().item(), rel=1e-3)


def test_shades_on_either_side_of_a_bin_are_nearly_one_colour():
    patch = patch_of((127, 127, 127), (128, 128, 128))

    evidence = evidence_in(patch, left_half())

    assert evidence.abs().max().item() < 3


def test_pixels_that_no_mask_looks_at_do_not_count():
    patch = patch_of((250, 0, 0), (250, 0, 0))
    patch[..., 7] = torch.tensor([0.0, 250.0, 0.0])[:, None]
    mask = left_half()
    mask[..., 7] = 0

    evidence = evidence_in(patch, mask)

    assert evidence[..., :7].abs().max().item() < 1e-3


def test_patches_do_not_see_each_other():
    patches = torch.cat([patch_of((250, 0, 0), (0, 0, 250)), patch_of((0, 0, 250), (250, 0, 0))])
    masks = left_half().expand(2, 8, 8)

    both = evidence_in(patches, masks)

    apart = [evidence_in(*each) for each in zip(patches.split(1), masks.split(1), strict=True)]
    assert torch.equal(both, torch.cat(apart))


def test_without_any_mask_the_evidence_is_still_a_number():
    evidence = evidence_in(patch_of((0, 0, 0), (9, 9, 9)), torch.zeros(1, 8, 8))

    assert evidence.isfinite().all()


def test_the_brightest_and_the_darkest_pixels_have_bins_of_their_own():
    assert shades(patch_of((0, 0, 0), (255, 255, 255))).unique().tolist() == [0, 16**3 - 1]
