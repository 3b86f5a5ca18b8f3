"""Crops composed by copy and paste."""

import numpy as np
import pytest

from s2iammask_core.data.compose import MOST_HIDDEN, accompany, compose, mask_box
from s2iammask_core.data.cutting import Cutout
from s2iammask_core.data.mask_sources import KNOWN_OBJECT, UNKNOWN

SIDE = 255
OWN, OTHER, SCENE = 250, 90, 10  # brightness


def solid(colour, size=(60, 60), side=SIDE):
    pixels = np.full((side, side, 3), colour, np.uint8)
    mask = np.zeros((side, side), np.uint8)
    top, left = (side - size[0]) // 2, (side - size[1]) // 2
    mask[top : top + size[0], left : left + size[1]] = KNOWN_OBJECT
    return Cutout(pixels, mask, (left, top, left + size[1], top + size[0]), has_mask=True)


@pytest.fixture
def target():
    """A bright square in the middle of a dark crop."""
    found = solid(OWN)
    found.pixels[found.mask == 0] = SCENE
    return found


def test_a_composed_crop_shows_the_object_where_its_mask_says():
    scene = np.zeros((SIDE, SIDE, 3), np.uint8)

    made = compose(solid(255), scene, [], np.random.default_rng(2))

    bright = made.pixels[..., 0] > 127
    assert (bright == (made.mask > 0)).mean() > 0.995
    assert made.box == pytest.approx(mask_box(made.mask))


def test_what_an_occluder_hides_does_not_belong_to_the_mask():
    scene = np.zeros((SIDE, SIDE, 3), np.uint8)

    for seed in range(20):
        made = compose(solid(255), scene, [solid(90)], np.random.default_rng(seed))
        inside = made.pixels[made.mask > 0]
        assert (inside.mean(axis=1) > 127).mean() > 0.9


def test_an_object_among_others_stays_where_it_was_and_loses_just_what_is_hidden(target):
    others, lost = [solid(OTHER, (50, 70)), solid(OTHER, (40, 40))], []

    for seed in range(30):
        made = accompany(target, others, np.random.default_rng(seed))
        whole, left = target.mask == KNOWN_OBJECT, made.mask == KNOWN_OBJECT
        shown = made.pixels[..., 0] > (OWN + OTHER) / 2
        assert not (left & ~whole).any()
        assert (left == shown).mean() > 0.99  # but for the seams
        assert made.box == target.box
        lost.append(1 - left.sum() / whole.sum())

    assert max(lost) < MOST_HIDDEN
    assert max(lost) > 0.05  # some are hidden in part


def test_only_the_first_of_the_others_hides_anything(target):
    alone = [
        accompany(target, [solid(OTHER, (1, 1)), solid(OTHER)], np.random.default_rng(k)) for k in range(9)
    ]

    assert all((made.mask == KNOWN_OBJECT).sum() >= 60 * 60 - 9 for made in alone)
    assert any((made.pixels == OTHER).all(axis=2).sum() > 500 for made in alone)


def test_what_another_object_covers_is_no_longer_unknown(target):
    target.mask[:, :40] = target.mask[:, -40:] = UNKNOWN

    made = [accompany(target, [solid(OTHER)] * 3, np.random.default_rng(seed)) for seed in range(9)]

    covered = [(each.pixels == OTHER).all(axis=2) for each in made]
    assert any((cover & (target.mask == UNKNOWN)).any() for cover in covered)
    for each, cover in zip(made, covered, strict=True):
        assert not (each.mask[cover] == UNKNOWN).any()


def test_without_others_an_object_is_left_as_it_is(target):
    assert accompany(target, [], np.random.default_rng(1)) is target
