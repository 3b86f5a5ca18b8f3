"""Square crops around objects, at the scale at which a template shows them."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import Annotation
from s2iammask_core.errors import DatasetError

Pixels = NDArray[np.uint8]
TEMPLATE_PIXELS = 127  # the scale of all crops: an object and its context fill this many pixels
CONTEXT = 0.5


@dataclass(frozen=True, slots=True)
class Cutout:
    """An object in the middle of a square crop."""

    pixels: Pixels  # (C, C, 3) RGB
    mask: Pixels  # (C, C) 0 or 255; all 0 if the data set has no masks
    box: tuple[float, float, float, float]  # x1 y1 x2 y2, crop pixels
    has_mask: bool


def context_side(width: float, height: float) -> float:
    """Side of the square that holds a box and its context (SiamFC: geometric mean of the padded sides)."""
    margin = CONTEXT * (width + height)
    return math.sqrt((width + margin) * (height + margin))


def cut(frame: Pixels, annotation: Annotation, pixels: int) -> Cutout:
    """The crop of `pixels` x `pixels` around an object; outside the frame it has the frame's mean colour.

    DatasetError if the mask has not the frame's size, or nothing of it lies in the box.
    """
    box = annotation.box
    scale = TEMPLATE_PIXELS / context_side(box.width, box.height)  # crop pixels per frame pixel
    matrix = _window(box, scale, pixels)
    mean = tuple(float(value) for value in cv2.mean(frame)[:3])
    crop = cv2.warpAffine(frame, matrix, (pixels, pixels), flags=cv2.INTER_LINEAR, borderValue=mean)
    half_w, half_h = box.width * scale / 2, box.height * scale / 2
    middle = pixels / 2
    edges = (middle - half_w, middle - half_h, middle + half_w, middle + half_h)
    if annotation.mask is None:
        return Cutout(np.asarray(crop, np.uint8), np.zeros((pixels, pixels), np.uint8), edges, False)
    full = fitting_mask(annotation, frame).astype(np.uint8) * 255
    soft = cv2.warpAffine(full, matrix, (pixels, pixels), flags=cv2.INTER_LINEAR, borderValue=0)
    mask = np.where(soft > 127, 255, 0).astype(np.uint8)
    # an object thinner than a pixel of the crop has none there, and teaches its box alone
    return Cutout(np.asarray(crop, np.uint8), mask, edges, bool(mask.any()))


def fitting_mask(annotation: Annotation, frame: Pixels) -> NDArray[np.bool_]:
    """The mask (H, W) of an annotation that has one; DatasetError if it does not fit the frame or the box."""
    if annotation.mask is None:
        raise DatasetError("the object has no mask")
    mask, box = annotation.mask.load(), annotation.box
    if mask.shape != frame.shape[:2]:
        (height, width), (rows, columns) = mask.shape, frame.shape[:2]
        raise DatasetError(f"the mask is {width}x{height}, but its frame is {columns}x{rows}")
    x1, y1 = max(math.floor(box.x1), 0), max(math.floor(box.y1), 0)
    if not mask[y1 : max(math.ceil(box.y2), 0), x1 : max(math.ceil(box.x2), 0)].any():
        raise DatasetError(f"the mask has no pixel in its object's box, {box.text}")
    return mask


def _window(box: Box, scale: float, pixels: int) -> NDArray[np.float64]:
    """The affine map from frame to crop; OpenCV counts pixel centres, so half a pixel is taken off on both
    sides.
    """
    cx, cy = box.center
    shift = pixels / 2 - 0.5
    return np.array([[scale, 0, shift - scale * (cx - 0.5)], [0, scale, shift - scale * (cy - 0.5)]])
