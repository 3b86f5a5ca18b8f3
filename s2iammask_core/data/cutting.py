"""Square crops around objects, at the scale at which a template shows them."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import Annotation
from s2iammask_core.data.mask_sources import KNOWN_OBJECT, UNKNOWN
from s2iammask_core.errors import DatasetError

Pixels = NDArray[np.uint8]
TEMPLATE_PIXELS = 127  # the scale of all crops: an object and its context fill this many pixels
CONTEXT = 0.5


@dataclass(frozen=True, slots=True)
class Cutout:
    """An object in the middle of a square crop."""

    pixels: Pixels  # (C, C, 3) RGB
    mask: Pixels  # (C, C) 255 the object, 128 unknown, 0 neither; all 0 if the data set has no masks
    box: tuple[float, float, float, float]  # x1 y1 x2 y2, crop pixels
    has_mask: bool


def context_side(width: float, height: float) -> float:
    """Side of the square that holds a box and its context (SiamFC: geometric mean of the padded sides)."""
    margin = CONTEXT * (width + height)
    return math.sqrt((width + margin) * (height + margin))


def cut(frame: Pixels, annotation: Annotation, pixels: int, filled: int = TEMPLATE_PIXELS) -> Cutout:
    """The crop of `pixels` x `pixels` around an object that with its context fills `filled` of them; outside
    the frame it has the frame's mean colour.

    DatasetError if the mask has not the frame's size, or nothing of it lies in the box.
    """
    box = annotation.box
    scale = filled / context_side(box.width, box.height)  # crop pixels per frame pixel
    mean = tuple(float(value) for value in cv2.mean(frame)[:3])
    matrix = _window(box, scale, pixels)
    crop = cv2.warpAffine(frame, matrix, (pixels, pixels), flags=cv2.INTER_LINEAR, borderValue=mean)
    half_w, half_h = box.width * scale / 2, box.height * scale / 2
    middle = pixels / 2
    edges = (middle - half_w, middle - half_h, middle + half_w, middle + half_h)
    if annotation.mask is None:
        return Cutout(np.asarray(crop, np.uint8), np.zeros((pixels, pixels), np.uint8), edges, False)
    levels = annotation.mask.levels()
    check_mask(levels == KNOWN_OBJECT, box, frame)
    made = levels_around(levels, box, pixels, filled)
    # an object thinner than a pixel of the crop has none there, and teaches its box alone
    return Cutout(np.asarray(crop, np.uint8), made, edges, bool((made == KNOWN_OBJECT).any()))


def check_mask(mask: NDArray[np.bool_], box: Box, frame: Pixels) -> None:
    """DatasetError for a mask (H, W) that does not fit the frame, or has nothing in its object's box."""
    if mask.shape != frame.shape[:2]:
        (height, width), (rows, columns) = mask.shape, frame.shape[:2]
        raise DatasetError(f"the mask is {width}x{height}, but its frame is {columns}x{rows}")
    x1, y1 = max(math.floor(box.x1), 0), max(math.floor(box.y1), 0)
    if not mask[y1 : max(math.ceil(box.y2), 0), x1 : max(math.ceil(box.x2), 0)].any():
        raise DatasetError(f"the mask has no pixel in its object's box, {box.text}")


def levels_around(levels: Pixels, box: Box, pixels: int, filled: int = TEMPLATE_PIXELS) -> Pixels:
    """The levels (C, C) of a mask (H, W) in such a crop around a box, which may be that of another frame."""
    matrix = _window(box, filled / context_side(box.width, box.height), pixels)
    layers = [(levels == value).astype(np.uint8) * 255 for value in (KNOWN_OBJECT, UNKNOWN)]
    if not layers[1].any():
        return np.where(_warped(layers[0], matrix, pixels) > 127, KNOWN_OBJECT, 0).astype(np.uint8)
    object_, unknown = (_warped(layer, matrix, pixels) for layer in layers)
    found = np.where(object_ > 127, KNOWN_OBJECT, np.where(unknown > 63, UNKNOWN, 0))
    return found.astype(np.uint8)


def _warped(layer: Pixels, matrix: NDArray[np.float64], pixels: int) -> Pixels:
    moved = cv2.warpAffine(layer, matrix, (pixels, pixels), flags=cv2.INTER_LINEAR, borderValue=0)
    return np.asarray(moved, np.uint8)


def _window(box: Box, scale: float, pixels: int) -> NDArray[np.float64]:
    """The affine map from frame to crop; OpenCV counts pixel centres, so half a pixel is taken off on both
    sides.
    """
    cx, cy = box.center
    shift = pixels / 2 - 0.5
    return np.array([[scale, 0, shift - scale * (cx - 0.5)], [0, scale, shift - scale * (cy - 0.5)]])
