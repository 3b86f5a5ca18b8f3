"""Masks of the frame in the windows that the network looks through."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.geometry import PRIOR_CELLS, Crop, HostArray
from s2iammask_core.tracking.track import MaskRegion

UNKNOWN = -1.0  # of a mask outside the frame
FINER = 2  # samples of a prior's cell in each direction


def priors(shapes: Sequence[MaskRegion | None], crop: Crop[HostArray]) -> NDArray[np.float32]:
    """(N, PRIOR_CELLS, PRIOR_CELLS) in [0, 1]: how far each part of N windows is a shape; 0 without one."""
    maps = np.zeros((len(shapes), PRIOR_CELLS, PRIOR_CELLS), np.float32)
    for map_, shape, origin, side in zip(maps, shapes, crop.origins, crop.sides, strict=True):
        if shape is not None and shape.pixels.size:
            fine = _in_window(shape, origin, side, FINER * PRIOR_CELLS)
            cv2.resize(fine, map_.shape, map_, interpolation=cv2.INTER_AREA)
    return maps


def remembered(
    shapes: Sequence[MaskRegion | None], crop: Crop[HostArray], frame_size: tuple[int, int]
) -> NDArray[np.float32]:
    """(N, P, P): how far each pixel of N patches is a shape, in [0, 1], and negative outside the frame
    (H, W); 0 everywhere without a shape.
    """
    maps = np.zeros((len(shapes), crop.pixels, crop.pixels), np.float32)
    for map_, shape, origin, side in zip(maps, shapes, crop.origins, crop.sides, strict=True):
        if shape is None or not shape.pixels.size:
            continue
        map_[:] = _in_window(shape, origin, side, crop.pixels)
        places = origin[:, None] + (np.arange(crop.pixels) + 0.5) * (side / crop.pixels)  # (2, P), x and y
        outside = (places < 0) | (places >= np.array(frame_size[::-1])[:, None])
        map_[outside[1]] = UNKNOWN
        map_[:, outside[0]] = UNKNOWN
    return maps


def _in_window(shape: MaskRegion, origin: HostArray, side: float, pixels: int) -> NDArray[np.float32]:
    """(pixels, pixels): the shape's probability in a window of the frame."""
    step = side / pixels
    start = 0.5 * step - 0.5  # from a pixel's corner to its centre, at both ends
    x, y = float(origin[0]) - shape.x + start, float(origin[1]) - shape.y + start
    matrix = np.array([[step, 0.0, x], [0.0, step, y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(shape.probability, matrix, (pixels, pixels), flags=flags)
    return np.asarray(found, np.float32)
