"""From a mask and a registered depth image to a place in space: plain numbers, no messages."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.tracking.track import MaskRegion

FEWEST_POINTS = 12  # valid depths inside a mask that still make a place
BORDER = 0.04  # of a mask's shorter side, stripped: depth at outlines is often that of the background
NOISE = 0.01  # of the depth: the least spread that is believed
OUTLIERS = 3.0  # robust standard deviations
EXTENT = (2.0, 98.0)  # percentiles between which an object extends


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """A pinhole camera without distortion; pixel centres have whole coordinates, as in CameraInfo."""

    fx: float
    fy: float
    cx: float
    cy: float


@dataclass(frozen=True, slots=True)
class View:
    """What is known of space in one image."""

    intrinsics: Intrinsics
    depth: NDArray[np.float32] | None  # (H, W) metres along the optical axis; NaN where unknown


@dataclass(frozen=True, slots=True)
class Place:
    """Where the visible surface of an object is; optical frame (x right, y down, z forward), metres."""

    position: tuple[float, float, float]  # median of its points
    extent: tuple[float, float, float]  # along x, y, z
    covariance: NDArray[np.float64]  # (3, 3) of the points around the position, square metres


def place_of(mask: MaskRegion, view: View) -> Place | None:
    """The place of an object, robust against depths that are not its own; None without enough of them."""
    if view.depth is None or mask.pixels.size == 0:
        return None
    points = _points(mask, view.intrinsics, view.depth)  # (N, 3)
    points = points[_inliers(points[:, 2])]
    if len(points) < FEWEST_POINTS:
        return None
    position = np.median(points, axis=0)
    low, high = np.percentile(points, EXTENT, axis=0)
    away = points - position
    covariance = away.T @ away / len(points) + np.diag([1e-12] * 3)
    x, y, z = position.tolist()
    width, height, length = (high - low).tolist()
    return Place((x, y, z), (width, height, length), covariance)


def _points(mask: MaskRegion, camera: Intrinsics, depth: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, 3) points of the pixels inside the mask that have a depth."""
    inner = _eroded(mask.pixels)
    height, width = inner.shape
    part = depth[mask.y : mask.y + height, mask.x : mask.x + width]
    rows, columns = np.nonzero(inner & np.isfinite(part) & (part > 0))
    z = part[rows, columns].astype(np.float64)
    x = (columns + mask.x - camera.cx) * z / camera.fx
    y = (rows + mask.y - camera.cy) * z / camera.fy
    return np.stack([x, y, z], axis=1)


def _eroded(pixels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask without its border, or itself if nothing would be left."""
    reach = max(1, round(BORDER * min(pixels.shape)))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    padded = np.pad(pixels.view(np.uint8), 1)
    inner = cv2.erode(padded, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)[1:-1, 1:-1] > 0
    return inner if inner.any() else pixels


def _inliers(depths: NDArray[np.float64]) -> NDArray[np.bool_]:
    if len(depths) == 0:
        return np.zeros(0, np.bool_)
    middle = np.median(depths)
    spread = 1.4826 * np.median(np.abs(depths - middle))
    return np.abs(depths - middle) <= OUTLIERS * max(float(spread), NOISE * float(middle))
