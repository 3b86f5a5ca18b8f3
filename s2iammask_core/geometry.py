"""Crops: square windows of the frame, the patches cut from them, and the way back.

One convention everywhere: continuous coordinates, x to the right and y down, pixel i spans [i, i + 1). So the
centre of patch pixel p lies in the frame at x = x0 + (p + 0.5) * side / pixels, and nothing is rounded.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

PRIOR_CELLS = 64  # a side of the map that says where in a search patch the object was

HostFrame: TypeAlias = NDArray[np.uint8]  # (H, W, 3) RGB
Frame: TypeAlias = "HostFrame | Tensor"  # a tensor may lie on any device
HostArray: TypeAlias = NDArray[np.float64]
Array = TypeVar("Array", NDArray[np.float64], "Tensor")  # on the host in double precision, or on a device


def context_side(width: float, height: float, context: float) -> float:
    """Side of the square that holds a box and the given margin, in mean side lengths, around it."""
    margin = context * (width + height)
    return math.sqrt((width + margin) * (height + margin))


@dataclass(frozen=True, slots=True)
class Crop(Generic[Array]):
    """Square windows of the frame, one for each of N targets, each resampled to pixels x pixels."""

    centers: Array  # (N, 2) x y, frame pixels
    sides: Array  # (N,) frame pixels
    pixels: int

    @property
    def origins(self) -> Array:
        """(N, 2): the top left corners, in frame pixels."""
        return self.centers - self.sides[:, None] / 2

    @property
    def scale(self) -> Array:
        """(N,): patch pixels per frame pixel."""
        return self.pixels / self.sides

    def to_patch(self, boxes: Array) -> Array:
        """Maps boxes (N, ..., 4) x1 y1 x2 y2 from frame to patch coordinates."""
        origins, scale = self._beside(boxes)
        return ((_points(boxes) - origins) * scale).reshape(boxes.shape)

    def to_frame(self, boxes: Array) -> Array:
        """Maps boxes (N, ..., 4) from patch to frame coordinates; the inverse of to_patch."""
        origins, scale = self._beside(boxes)
        return (_points(boxes) / scale + origins).reshape(boxes.shape)

    def _beside(self, boxes: Array) -> tuple[Array, Array]:
        """Origins and scale with the dimensions of the points (N, ..., 2, 2) of boxes."""
        between = [1] * (boxes.ndim - 1)
        return self.origins.reshape(-1, *between, 2), self.scale.reshape(-1, *between, 1)


def _points(boxes: Array) -> Array:
    """The two corners (N, ..., 2, 2) of boxes (N, ..., 4)."""
    return boxes.reshape(*boxes.shape[:-1], 2, 2)


def cut(frame: HostFrame, crop: Crop[HostArray], border: HostArray) -> NDArray[np.float32]:
    """Patches (N, 3, P, P) of a frame, in whole grey levels; border (N, 3) fills what lies outside."""
    patches = np.empty((len(crop.sides), crop.pixels, crop.pixels, 3), np.uint8)
    windows = zip(patches, crop.origins.tolist(), crop.sides.tolist(), border.tolist(), strict=True)
    for patch, (x0, y0), side, colour in windows:
        step = side / crop.pixels
        start = 0.5 * step - 0.5  # from a pixel's corner to its centre, at both ends
        matrix = np.array([[step, 0.0, x0 + start], [0.0, step, y0 + start]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (crop.pixels, crop.pixels)
        cv2.warpAffine(frame, matrix, size, patch, flags, cv2.BORDER_CONSTANT, colour)
    return patches.transpose(0, 3, 1, 2).astype(np.float32)


def mean_colour(frame: Frame) -> tuple[float, float, float]:
    """Mean red, green and blue of a frame, in [0, 255]."""
    if isinstance(frame, np.ndarray):
        red, green, blue = cv2.mean(frame)[:3]
    else:
        red, green, blue = frame.float().mean(dim=(0, 1)).tolist()
    return red, green, blue
