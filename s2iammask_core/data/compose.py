"""Copy-paste: a cut-out object moved onto another picture, with distractors and occluders and an exact mask.

Little data has few backgrounds; without this a network learns to match the surroundings instead of the
object.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from s2iammask_core.data.cutting import Cutout, Pixels

FEATHER = 3  # side of the blur that hides the seam, pixels


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
    mask = cv2.remap(cutout.mask, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(pixels, np.uint8), np.where(mask > 127, 255, 0).astype(np.uint8)


def _inverse_map(
    motion: Motion, side: int, rng: Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each pixel of the moved crop comes from."""
    middle = (side - 1) / 2
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    dx, dy = x - middle - motion.shift[0], y - middle - motion.shift[1]
    c, s = math.cos(motion.angle), math.sin(motion.angle)
    source_x = (c * dx + s * dy) / motion.scale[0] + middle
    source_y = (-s * dx + c * dy) / motion.scale[1] + middle
    coarse = rng.normal(0, motion.bend, (2, 5, 5)).astype(np.float32)
    bend_x, bend_y = (cv2.resize(each, (side, side), interpolation=cv2.INTER_CUBIC) for each in coarse)
    return (source_x + bend_x).astype(np.float32), (source_y + bend_y).astype(np.float32)


def paste(background: Pixels, pixels: Pixels, mask: Pixels) -> Pixels:
    """The object over the background, with a soft seam."""
    alpha = cv2.blur(mask, (FEATHER, FEATHER)).astype(np.float32)[..., None] / 255
    return (background + (pixels.astype(np.float32) - background) * alpha).astype(np.uint8)


def compose(target: Cutout, scene: Pixels, others: list[Cutout], rng: Generator) -> Cutout:
    """The target on another picture (C, C, 3); the first of `others` may hide a part of it, the rest stand
    about as distractors.

    The mask is exact: what an occluder hides does not belong to it. The box is that of the whole object.
    """
    side = target.mask.shape[0]
    for other in others[1:]:
        pixels, mask = move(other, Motion.draw(rng, 0.3 * side), rng)
        scene = paste(scene, pixels, mask)
    pixels, mask = move(target, Motion.draw(rng, 0.0), rng)
    scene, whole = paste(scene, pixels, mask), mask
    if others:
        pixels, over = move(others[0], Motion.draw(rng, 0.25 * side), rng)
        hidden = (over & whole).astype(bool).sum() / max(1, whole.astype(bool).sum())
        if hidden < 0.4:
            scene, mask = paste(scene, pixels, over), whole & ~over
    return Cutout(scene, mask, mask_box(whole) or target.box, has_mask=True)


def mask_box(mask: Pixels) -> tuple[float, float, float, float] | None:
    """The box x1 y1 x2 y2 around a mask's pixels; None if it has none."""
    x, y, width, height = cv2.boundingRect(mask)
    return (float(x), float(y), float(x + width), float(y + height)) if width else None
