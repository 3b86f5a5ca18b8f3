"""Copy-paste: a cut-out object moved onto another picture, with distractors and occluders and an exact mask.

Little data has few backgrounds; without this a network learns to match the surroundings instead of the
object.
"""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from s2iammask_core.data.cutting import Cutout, Pixels
from s2iammask_core.data.mask_sources import KNOWN_OBJECT

FEATHER = 3  # side of the blur that hides the seam, pixels
MOST_HIDDEN = 0.4  # share of an object that another may hide


@dataclass(frozen=True, slots=True)
class Motion:
    """How an object differs from its picture: an affine change about the crop's centre, and a smooth bend."""

    angle: float  # radians
    scale: tuple[float, float]
    shift: tuple[float, float]  # crop pixels
    bend: float  # amplitude of the elastic displacement, crop pixels

    @classmethod
    def draw(cls, rng: Generator, reach: float) -> "Motion":
        """A random motion; `reach` is the greatest shift, in crop pixels."""
        size = math.exp(rng.uniform(-0.2, 0.2))
        stretch = math.exp(rng.uniform(-0.12, 0.12))
        x, y = rng.uniform(-reach, reach, 2)
        return cls(rng.uniform(-0.5, 0.5), (size * stretch, size / stretch), (x, y), rng.uniform(0, 4))


def move(cutout: Cutout, motion: Motion, rng: Generator) -> tuple[Pixels, Pixels]:
    """The crop (C, C, 3) and its mask (C, C) after the motion."""
    side = cutout.mask.shape[0]
    map_x, map_y = _inverse_map(motion, side, rng)
    border = cv2.BORDER_REFLECT_101
    pixels = cv2.remap(cutout.pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=border)
    object_ = np.where(cutout.mask == KNOWN_OBJECT, np.uint8(255), np.uint8(0))
    mask = cv2.remap(object_, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(pixels, np.uint8), np.asarray(
        cv2.threshold(mask, 127, 255, cv2.THRESH_BINARY)[1], np.uint8
    )


def _inverse_map(
    motion: Motion, side: int, rng: Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each pixel of the moved crop comes from."""
    middle = (side - 1) / 2
    c, s = math.cos(motion.angle), math.sin(motion.angle)
    coarse = rng.normal(0, motion.bend, (2, 5, 5)).astype(np.float32)
    bend_x, bend_y = (cv2.resize(each, (side, side), interpolation=cv2.INTER_CUBIC) for each in coarse)
    steps = np.arange(side, dtype=np.float32) - np.float32(middle)
    dx, dy = steps - np.float32(motion.shift[0]), (steps - np.float32(motion.shift[1]))[:, None]
    width, height = motion.scale
    bend_x += np.float32(c / width) * dx + np.float32(s / width) * dy + np.float32(middle)
    bend_y += np.float32(-s / height) * dx + np.float32(c / height) * dy + np.float32(middle)
    return bend_x, bend_y


def paste(background: Pixels, pixels: Pixels, mask: Pixels) -> Pixels:
    """The object over the background, with a soft seam; only the part around the object is touched."""
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        return background
    part = np.s_[max(y - FEATHER, 0) : y + height + FEATHER, max(x - FEATHER, 0) : x + width + FEATHER]
    alpha = cv2.blur(mask[part], (FEATHER, FEATHER)).astype(np.float32)[..., None] / 255
    made = background.copy()
    under = background[part].astype(np.float32)
    made[part] = (under + (pixels[part] - under) * alpha).astype(np.uint8)
    return made


def compose(target: Cutout, scene: Pixels, others: list[Cutout], rng: Generator) -> Cutout:
    """The target on another picture (C, C, 3); the first of `others` may hide a part of it, the rest stand
    about as distractors.

    The mask is exact: what an occluder hides does not belong to it. The box is that of the whole object.
    """
    side = target.mask.shape[0]
    for other in others[1:]:
        scene = paste(scene, *move(other, Motion.draw(rng, 0.3 * side), rng))
    pixels, mask = move(target, Motion.draw(rng, 0.0), rng)
    made = Cutout(paste(scene, pixels, mask), mask, mask_box(mask) or target.box, has_mask=True)
    return _occluded(made, others[0], rng) if others else made


def accompany(target: Cutout, others: list[Cutout], rng: Generator) -> Cutout:
    """The target where it is, with others beside it, of which the first may hide a part of it."""
    side = target.mask.shape[0]
    made = target
    for other in others[1:]:
        pixels, mask = move(other, Motion.draw(rng, 0.3 * side), rng)
        beside = np.where(target.mask == KNOWN_OBJECT, np.uint8(0), mask)
        levels = np.where(beside > 0, np.uint8(0), made.mask)
        made = replace(made, pixels=paste(made.pixels, pixels, beside), mask=levels)
    return _occluded(made, others[0], rng) if others else made


def _occluded(target: Cutout, other: Cutout, rng: Generator) -> Cutout:
    """The target behind another object, unless that would hide most of it."""
    pixels, over = move(other, Motion.draw(rng, 0.25 * target.mask.shape[0]), rng)
    whole = target.mask == KNOWN_OBJECT
    hidden = (whole & (over > 0)).sum() / max(1, int(whole.sum()))
    if hidden >= MOST_HIDDEN:
        return target
    levels = np.where(over > 0, np.uint8(0), target.mask)
    return replace(target, pixels=paste(target.pixels, pixels, over), mask=levels)


def mask_box(mask: Pixels) -> tuple[float, float, float, float] | None:
    """The box x1 y1 x2 y2 around a mask's pixels; None if it has none."""
    x, y, width, height = cv2.boundingRect(mask)
    return (float(x), float(y), float(x + width), float(y + height)) if width else None
