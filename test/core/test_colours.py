"""What colours an object shows, and how much two objects share them."""

import numpy as np
import pytest
import torch

from s2iammask_core.tracking.colours import colours_of
from s2iammask_core.tracking.track import MaskRegion

RED, GREEN, DARK_RED = (200, 40, 40), (40, 160, 60), (70, 12, 12)


def painted(colour, rng):
    """A frame of noise around a colour, 120 x 160."""
    return np.clip(rng.normal(colour, 6, (120, 160, 3)), 0, 255).astype(np.uint8)


def masked(x, y, width, height):
    pixels = np.ones((height, width), np.bool_)
    return MaskRegion(x, y, pixels, pixels.astype(np.float32))


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_the_same_colours_are_alike_and_others_are_not(rng):
    mask = masked(20, 20, 60, 50)
    red, again, green = (colours_of(painted(colour, rng), mask) for colour in (RED, RED, GREEN))

    assert red.likeness(red) == pytest.approx(1, abs=1e-3)
    assert red.likeness(again) > 0.8
    assert red.likeness(green) < 0.2


def test_a_darker_shade_of_a_colour_is_less_alike(rng):
    mask = masked(20, 20, 60, 50)
    red, again, dark = (colours_of(painted(colour, rng), mask) for colour in (RED, RED, DARK_RED))

    assert red.likeness(dark) < red.likeness(again) / 2


def test_only_what_is_under_the_mask_counts(rng):
    frame = painted(GREEN, rng)
    frame[30:70, 40:90] = painted(RED, rng)[30:70, 40:90]

    colours = colours_of(frame, masked(40, 30, 50, 40))

    assert colours.likeness(colours_of(painted(RED, rng), masked(0, 0, 160, 120))) > 0.8


def test_the_size_of_an_object_does_not_matter(rng):
    frame = painted(RED, rng)

    assert colours_of(frame, masked(0, 0, 160, 120)).likeness(colours_of(frame, masked(5, 5, 15, 15))) > 0.75


def test_a_mask_of_a_few_pixels_says_nothing(rng):
    frame = painted(RED, rng)

    assert colours_of(frame, masked(10, 10, 6, 6)) is None
    assert (
        colours_of(frame, MaskRegion(0, 0, np.zeros((0, 0), np.bool_), np.zeros((0, 0), np.float32))) is None
    )


def test_a_tensor_has_the_colours_of_the_array(rng):
    frame, mask = painted(RED, rng), masked(20, 20, 60, 50)

    assert colours_of(torch.from_numpy(frame), mask).likeness(colours_of(frame, mask)) == pytest.approx(
        1, abs=1e-3
    )


def test_blended_colours_lie_between_both(rng):
    mask = masked(20, 20, 60, 50)
    red, green = colours_of(painted(RED, rng), mask), colours_of(painted(GREEN, rng), mask)
    blend = red.blended(green, 0.25)

    assert blend.chroma.sum() == pytest.approx(1, abs=1e-5)
    assert green.likeness(red) < green.likeness(blend) < red.likeness(blend) < 1
