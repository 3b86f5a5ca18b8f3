"""The crop of the method's prepared data: 511 pixels wide, the object in the middle, at the template's scale.

The central 127 pixels are the template. The crop is resampled with half-pixel centres, as in tracking: its
edges are those of the window, and a frame pixel is exactly 127 / context_side crop pixels wide.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.data.cutting import TEMPLATE_PIXELS, context_side

CROP_PIXELS = 511

Picture = NDArray[np.uint8]  # (H, W, 3)


def scale(width: float, height: float) -> float:
    """Crop pixels per frame pixel, for an object of that size in its frame."""
    return TEMPLATE_PIXELS / context_side(width, height)


def box_in_crop(width: float, height: float) -> Box:
    """The box, in crop pixels, of an object of that size in its frame; without area if that has none."""
    middle = CROP_PIXELS / 2
    if width <= 0 or height <= 0:
        return Box(middle, middle, middle, middle)
    zoom = scale(width, height)
    return Box.from_center(middle, middle, width * zoom, height * zoom)


def mean_colour(picture: Picture) -> tuple[float, ...]:
    return tuple(picture.mean(axis=(0, 1)).tolist())


def crop_picture(picture: Picture, box: Box, border: tuple[float, ...]) -> Picture:
    """(511, 511, 3) around the box's centre; what lies outside the picture has the border's colour."""
    crop: Picture = _resampled(picture, box, border)
    return crop


def crop_mask(mask: NDArray[np.bool_], box: Box, threshold: float) -> NDArray[np.uint8]:
    """(511, 511) around the box's centre: 255 where the resampled mask exceeds the threshold, else 0.

    Of an object so thin that nothing does, it is the pixels of the crop nearest to those of the mask.
    """
    inside = _resampled(mask.astype(np.float32), box, (0.0,)) > threshold
    if not inside.any():
        zoom, (cx, cy) = scale(box.width, box.height), box.center
        rows, columns = np.nonzero(mask)
        x, y = (columns + 0.5 - cx) * zoom + CROP_PIXELS / 2, (rows + 0.5 - cy) * zoom + CROP_PIXELS / 2
        places = np.stack([y, x]).astype(int)
        y, x = places[:, ((places >= 0) & (places < CROP_PIXELS)).all(axis=0)]
        inside[y, x] = True
    return np.where(inside, 255, 0).astype(np.uint8)


def _resampled(values: NDArray[Any], box: Box, border: tuple[float, ...]) -> NDArray[Any]:
    step = 1 / scale(box.width, box.height)  # frame pixels per crop pixel
    half = step * CROP_PIXELS / 2
    (cx, cy), start = box.center, 0.5 * step - 0.5  # from a pixel's corner to its centre, at both ends
    matrix = np.array([[step, 0.0, cx - half + start], [0.0, step, cy - half + start]])
    size, flags = (CROP_PIXELS, CROP_PIXELS), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(values, matrix, size, None, flags, cv2.BORDER_CONSTANT, border))
