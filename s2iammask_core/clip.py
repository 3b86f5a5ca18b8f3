"""A clip with known truth, made of two photographs of scikit-image: a cup moves, turns and grows."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.errors import UnavailableError
from s2iammask_core.files.pictures import read_picture

FRAMES = 100
# the outline of cup and saucer in coffee.png, pixels
OUTLINE = """
179,70 140,97 110,123 87,160 79,207 83,253 100,293 133,337 180,367 227,383 287,389 340,382 393,360 433,327
463,287
479,240 480,207 470,167 450,137 420,110 406,95 402,78 393,60 373,40 340,25 293,19 247,23 207,40 187,57
"""
CENTER = (280.0, 205.0)  # what it turns about, in the same pixels


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame of the clip and the truth about it."""

    frame: NDArray[np.uint8]  # (H, W, 3) RGB
    mask: NDArray[np.bool_]  # (H, W)


def shots(count: int = FRAMES) -> Iterator[Shot]:
    """The frames of the clip, always the same."""
    scene = photograph("rocket.jpg")[:424]
    cup = photograph("coffee.png")
    alpha = cut_out(cup.shape[:2])
    for number in range(count):
        yield compose(scene, cup, alpha, placement(number / max(count - 1, 1), scene.shape[:2]))


def first_box(count: int = FRAMES) -> Box:
    """The box of the object in the first frame."""
    mask = next(shots(count)).mask
    return Box.from_xywh(*cv2.boundingRect(mask.view(np.uint8)))


def photograph(name: str) -> NDArray[np.uint8]:
    """A photograph (H, W, 3) RGB of those in the package scikit-image itself; none is downloaded."""
    try:
        import skimage.data
    except ImportError as error:
        raise UnavailableError("the demo clip needs scikit-image: pip install scikit-image") from error
    path = Path(skimage.data.__file__).parent / name
    return read_picture(path)


def cut_out(size: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) opacity of the object in its photograph, with a soft edge."""
    points = np.array([point.split(",") for point in OUTLINE.split()], np.float64).astype(np.int32)
    mask = cv2.fillPoly(np.zeros(size, np.uint8), [points], 255)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 4), np.float32) / np.float32(255)


def placement(time: float, size: tuple[int, int]) -> NDArray[np.float64]:
    """The affine map (2, 3) from the object's photograph into the frame (H, W); time runs from 0 to 1."""
    height, width = size
    scale = 0.26 + 0.22 * time
    angle = math.radians(12 * math.sin(2 * math.pi * time) - 50 * time)
    x = width * (0.16 + 0.62 * time)
    y = height * (0.60 - 0.19 * math.sin(1.5 * math.pi * time))
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    cx, cy = CENTER
    return np.array([[c, -s, x - c * cx + s * cy], [s, c, y - s * cx - c * cy]])


def compose(
    scene: NDArray[np.uint8],
    photo: NDArray[np.uint8],
    alpha: NDArray[np.float32],
    place: NDArray[np.float64],
) -> Shot:
    size = (scene.shape[1], scene.shape[0])
    over = cv2.warpAffine(photo, place, size, flags=cv2.INTER_AREA).astype(np.float32)
    opacity = cv2.warpAffine(alpha, place, size, flags=cv2.INTER_LINEAR)
    frame = scene + (over - scene) * opacity[..., None]
    return Shot(frame.round().astype(np.uint8), opacity >= 0.5)
