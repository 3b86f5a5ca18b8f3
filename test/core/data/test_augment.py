"""What pairs show of a start, of a scene that stands still, and of the frame before; on drawn pairs."""

from dataclasses import replace

import pytest
import torch

from s2iammask_core.data.augment import FIRST_LOOK, PRIOR_SHIFT, STEADY, AugmentConfig, augment
from s2iammask_core.data.mask_sources import KNOWN_OBJECT, UNKNOWN
from s2iammask_core.data.pairs import NOISE, Pair
from s2iammask_core.geometry import PRIOR_CELLS

COUNT = 64
OBJECT = (140, 150, 180, 170)  # x1 y1 x2 y2 in search crops of 319 pixels
STILL = AugmentConfig(
    **dict.fromkeys(("search_shift", "search_scale", "template_shift", "template_scale", "spoil"), 0.0),
    **dict.fromkeys(("forget", "flip", "grey", "blur", "contrast", "brightness"), 0.0),
)


def levels(side, box, count=COUNT):
    x1, y1, x2, y2 = box
    drawn = torch.zeros(count, side, side, dtype=torch.uint8)
    drawn[:, y1:y2, x1:x2] = KNOWN_OBJECT
    return drawn


def pairs(same=True, moved=False, prior=OBJECT):
    """Pairs of an object in the middle of both crops; the prior's place may be another."""
    generator = torch.Generator().manual_seed(6)
    everywhere = torch.ones(COUNT, dtype=torch.bool)
    return Pair(
        template=torch.randint(256, (COUNT, 159, 159, 3), dtype=torch.uint8, generator=generator),
        template_mask=levels(159, (60, 70, 100, 90)),
        search=torch.randint(256, (COUNT, 319, 319, 3), dtype=torch.uint8, generator=generator),
        mask=levels(319, OBJECT),
        prior=levels(319, prior),
        box=torch.tensor(OBJECT).float().expand(COUNT, -1),
        positive=everywhere,
        has_mask=everywhere,
        same=everywhere & same,
        moved=everywhere & moved,
        noise=torch.rand(COUNT, NOISE, generator=generator),
        seed=torch.arange(COUNT),
    )


def middle(maps):
    """Centres (N, 2) x and y of maps (N, S, S), in shares of the side."""
    steps = (torch.arange(maps.shape[-1]) + 0.5) / maps.shape[-1]
    along = [(maps.sum(dim=other) * steps).sum(dim=1) for other in (1, 2)]
    return torch.stack(along, dim=1) / maps.sum(dim=(1, 2))[:, None]


def centers(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def test_the_random_numbers_of_a_pair_are_enough():
    batch = augment(pairs(), AugmentConfig(start=0.5, steady=0.3, turn=30, bend=8, coarse=0.5, night=0.5))

    assert torch.isfinite(batch.template).all()
    assert batch.template_mask.shape == (COUNT, 127, 127)


def test_a_start_has_its_box_for_a_prior_and_half_of_the_starts_remember_nothing():
    batch = augment(pairs(), replace(STILL, start=1.0))

    remembered = batch.template_mask.flatten(1).any(dim=1)
    assert pytest.approx(int(remembered.sum()), abs=12) == COUNT * FIRST_LOOK
    assert batch.prior.max() == 0.5  # as much as a box says
    torch.testing.assert_close(middle(batch.prior) * 255, centers(batch.box), atol=8, rtol=0)


def test_pairs_of_two_frames_are_no_start_and_have_the_mask_of_the_frame_for_a_prior():
    batch = augment(pairs(same=False), replace(STILL, start=1.0))

    assert batch.template_mask.flatten(1).any(dim=1).all()
    assert (batch.prior.amax(dim=(1, 2)) == 1).all()


def test_where_nothing_moves_the_object_stays_in_the_middle_and_is_remembered():
    moving = AugmentConfig(steady=1.0, turn=30, forget=1.0, spoil=0.0)

    batch = augment(pairs(), moving)

    shift, scale = STEADY
    assert (centers(batch.box) - 255 / 2).abs().max() <= shift + 0.6  # half a pixel from the middle before
    sizes = batch.box[:, 2:] - batch.box[:, :2]
    torch.testing.assert_close(sizes, torch.tensor([40.0, 20]).expand(COUNT, -1), rtol=2 * scale, atol=0.1)
    assert batch.template_mask.flatten(1).any(dim=1).all()


def test_what_bends_is_remembered_as_it_looks_and_bends_less_in_pairs_of_two_frames():
    off = []
    for same in (True, False):
        given = pairs(same=same)
        given.template[:] = 255 * (given.template_mask == KNOWN_OBJECT)[..., None]  # the object is white

        batch = augment(given, replace(STILL, bend=8))

        white = batch.template.mean(dim=1) > 127
        assert (white != (batch.template_mask > 0.5)).float().mean() < 0.002
        straight = levels(159, (60, 70, 100, 90))[:, 16:-16, 16:-16] == KNOWN_OBJECT
        off.append((white != straight).float().mean())
    assert off[0] > 2 * off[1] > 0


def test_nothing_bends_where_nothing_moves():
    plain = augment(pairs(), AugmentConfig(steady=1.0, turn=30, spoil=0.0))
    bent = augment(pairs(), AugmentConfig(steady=1.0, turn=30, spoil=0.0, bend=8))

    torch.testing.assert_close(bent.template, plain.template)


def test_the_prior_of_a_moved_object_lies_where_it_was_in_the_same_window():
    shifted = (100, 110, 140, 130)  # forty pixels to the left and above

    batch = augment(pairs(same=False, moved=True, prior=shifted), replace(STILL, search_shift=30, flip=0.5))

    away = centers(batch.box) - middle(batch.prior) * 255
    assert ((away[:, 1] - 40).abs() < PRIOR_SHIFT + 3).all()
    assert ((away[:, 0].abs() - 40).abs() < PRIOR_SHIFT + 3).all()  # of either sign: some are mirrored
    assert len(away[:, 0].sign().unique()) == 2


def test_a_share_of_the_pairs_forgets_the_memory_and_a_share_the_prior():
    batch = augment(pairs(same=False), replace(STILL, forget=0.5))

    for known in (batch.template_mask, batch.prior):
        assert int(known.flatten(1).any(dim=1).sum()) == pytest.approx(COUNT / 2, abs=12)


def test_what_is_unknown_in_a_crop_is_unknown_in_its_patch():
    given = pairs(same=False)
    given.mask[:, 150:170, 180:200] = UNKNOWN  # beside the object
    given.template_mask[:, 70:90, 100:110] = UNKNOWN

    batch = augment(given, replace(STILL, search_pixels=255))

    assert torch.equal(batch.unknown, given.mask[:, 32:-32, 32:-32] == UNKNOWN)
    assert torch.equal(batch.mask, given.mask[:, 32:-32, 32:-32] == KNOWN_OBJECT)
    assert torch.equal(batch.template_mask < 0, given.template_mask[:, 16:-16, 16:-16] == UNKNOWN)


def test_a_prior_has_a_share_for_each_of_its_cells():
    batch = augment(pairs(same=False), STILL)

    assert batch.prior.shape == (COUNT, PRIOR_CELLS, PRIOR_CELLS)
    area = batch.prior.sum(dim=(1, 2)) * (255 / PRIOR_CELLS) ** 2
    torch.testing.assert_close(area, torch.full((COUNT,), 40.0 * 20), rtol=0.3, atol=0)
