"""Whether what is found is the target: by the pixels that are remembered, by kernels, by colours."""

import numpy as np
import pytest
import torch

from s2iammask_core import Box
from s2iammask_core.tracking.colours import colours_of
from s2iammask_core.tracking.first_frame import box_region
from s2iammask_core.tracking.likeness import likenesses
from s2iammask_core.tracking.network import MEMORY_CELLS, MEMORY_KEY
from s2iammask_core.tracking.target import Sighting, Target

BOX = Box(20, 20, 60, 60)
ROWS = MEMORY_KEY + 2
LENGTH = 4.0  # of a key


def pair(frame, *, coloured=False):
    """A target and a find, both at BOX of the frame."""
    region = box_region(BOX, frame.shape[:2])
    colours = colours_of(frame, region) if coloured else None
    target = Target(1, *BOX.center, 40, 40, BOX, (0.0, 0.0, 0.0), colours=colours)
    return target, Sighting(0.9, 0.9, BOX, 1.0, region, None)


def memory(keys, *, cells=40):
    """Rows of a memory whose first cells are an object that shows some of these keys by turns."""
    rows = np.zeros((ROWS, MEMORY_CELLS), np.float32)
    rows[:MEMORY_KEY] = np.random.default_rng(9).normal(size=(MEMORY_KEY, MEMORY_CELLS))
    for cell in range(cells):
        rows[:MEMORY_KEY, cell] = keys[cell % len(keys)]
    rows[:MEMORY_KEY] *= LENGTH / np.linalg.norm(rows[:MEMORY_KEY], axis=0)
    rows[MEMORY_KEY, :cells], rows[MEMORY_KEY + 1, cells:] = 1, 1
    return rows.ravel()


@pytest.fixture
def keys():
    """Twelve of each of two objects, of any length."""
    return np.random.default_rng(3).normal(size=(2, 12, MEMORY_KEY)).astype(np.float32)


@pytest.mark.parametrize("array", [np.asarray, torch.from_numpy])
def test_without_a_memory_kernels_alone_decide(scene, array):
    kernel = np.random.default_rng(1).random(200, np.float32)
    found, known = np.stack([2 * kernel, kernel[::-1]]), np.stack([kernel] * 2)

    same, other = likenesses(scene(), [pair(scene())] * 2, array(found), array(known), 0)

    assert same == pytest.approx(1)
    assert other < 0.95


@pytest.mark.parametrize("array", [np.asarray, torch.from_numpy])
def test_pixels_tell_what_equal_kernels_cannot(scene, keys, array):
    kernel = np.ones(30, np.float32)
    mine, another = memory(keys[0]), memory(keys[1])
    found = np.stack([np.append(kernel, each) for each in (mine, another)])
    known = np.stack([np.append(kernel, mine)] * 2)

    same, other = likenesses(scene(), [pair(scene())] * 2, array(found), array(known), mine.size)

    assert same == pytest.approx(1, abs=1e-3)
    assert other < 0.6


def test_a_part_of_the_object_is_less_like_than_the_whole(scene, keys):
    whole, part = memory(keys[0]), memory(keys[0][:5], cells=11)

    (like,) = likenesses(scene(), [pair(scene())], part[None], whole[None], whole.size)

    assert 0.3 < like < 0.95


def test_what_stands_beside_the_find_must_not_be_the_target(scene, keys):
    """A twin beside the object is found instead of it."""
    target, find = memory(keys[0]), memory(keys[0])
    find.reshape(ROWS, -1)[:MEMORY_KEY, 40:80] = find.reshape(ROWS, -1)[:MEMORY_KEY, :40]

    (like,) = likenesses(scene(), [pair(scene())], find[None], target[None], target.size)

    assert like == pytest.approx(0.5**0.4, abs=1e-3)


def test_a_memory_that_says_nothing_leaves_it_to_the_kernels(scene, keys):
    kernel, nothing = np.ones(30, np.float32), np.zeros(ROWS * MEMORY_CELLS, np.float32)
    found = np.append(kernel, memory(keys[0]))[None]
    known = np.append(kernel, nothing)[None]

    assert likenesses(scene(), [pair(scene())], found, known, nothing.size) == [pytest.approx(1)]


def test_a_twin_in_other_colours_is_less_like(scene, keys, colours):
    red, green, _ = colours
    mine, theirs = scene((20, 20, 40, 40, red)), scene((20, 20, 40, 40, green))
    target, sighting = pair(mine, coloured=True)
    rows = memory(keys[0])[None]

    same = likenesses(mine, [(target, sighting)], rows, rows, rows.size)
    other = likenesses(theirs, [(target, sighting)], rows, rows, rows.size)

    assert same == [pytest.approx(1, abs=1e-3)]
    assert other[0] < 0.3
