"""From a vote map in the patch to a mask, its box and its rotated box in the frame."""

import math
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.geometry import Crop, HostArray
from s2iammask_core.tracking.track import MaskRegion

Window: TypeAlias = tuple[float, float, float]  # x0, y0, side; frame pixels

HALF = 0.5  # of a pixel, from its edge to its centre
NO_MASK = MaskRegion(0, 0, np.zeros((0, 0), np.bool_), np.zeros((0, 0), np.float32))


def mask_region(
    levels: NDArray[np.uint8],
    full_level: float,
    threshold: float,
    window: Window,
    frame_size: tuple[int, int],
) -> MaskRegion:
    """The mask in the frame (H, W) of the levels (P, P) in a window (x0, y0, side) of it.

    The map is resampled before it is compared, so the outline is as smooth as the frame's pixels allow.
    Only the part of the frame in which anything was voted for is touched.
    """
    column, row, width, height = cv2.boundingRect(levels)
    if width == 0 or full_level <= 0:
        return NO_MASK
    x0, y0, side = window
    step = side / levels.shape[0]  # frame pixels per patch pixel
    left, right = _span(x0, column, width, step, frame_size[1])
    top, bottom = _span(y0, row, height, step, frame_size[0])
    if right <= left or bottom <= top:
        return NO_MASK
    part = levels[row : row + height, column : column + width].astype(np.float32)
    x_start = (left + 0.5 - x0) / step - 0.5 - column
    y_start = (top + 0.5 - y0) / step - 0.5 - row
    matrix = np.array([[1 / step, 0.0, x_start], [0.0, 1 / step, y_start]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(part, matrix, (right - left, bottom - top), flags=flags)  # levels, 0 outside
    return MaskRegion(left, top, found > threshold, found / np.float32(full_level))


def windows_of(crop: Crop[HostArray]) -> list[Window]:
    """The window of each of N targets."""
    return [(x, y, side) for (x, y), side in zip(crop.origins.tolist(), crop.sides.tolist(), strict=True)]


def _span(origin: float, first: int, count: int, step: float, limit: int) -> tuple[int, int]:
    """The frame's rows or columns that `count` patch pixels reach; bilinear taps reach half a pixel on."""
    low = origin + (first - 0.5) * step
    high = origin + (first + count + 0.5) * step
    return min(max(math.floor(low), 0), limit), max(min(math.ceil(high), limit), 0)


def within(region: MaskRegion, window: MaskRegion) -> NDArray[np.float32]:
    """(h, w): a region's probability in the pixels of another; 0 where it does not reach."""
    found = np.zeros(window.pixels.shape, np.float32)
    (rows, columns), (height, width) = window.pixels.shape, region.pixels.shape
    left, top = max(window.x, region.x), max(window.y, region.y)
    right = min(window.x + columns, region.x + width)
    bottom = min(window.y + rows, region.y + height)
    if left < right and top < bottom:
        part = region.probability[top - region.y : bottom - region.y, left - region.x : right - region.x]
        found[top - window.y : bottom - window.y, left - window.x : right - window.x] = part
    return found


def outline(region: MaskRegion, min_area: float, margin: float = HALF) -> tuple[Box, RotatedBox] | None:
    """The upright and the smallest rotated box around a mask's largest part; None if it is below min_area.

    A contour runs through the centres of its pixels, so the boxes are half a pixel larger on every side. The
    original SiamMask has a margin of 0 and takes a pixel's index for its place.
    """
    largest = _largest_contour(region)
    if largest is None or cv2.contourArea(largest) <= min_area:
        return None
    x, y, width, height = cv2.boundingRect(largest)
    box = Box.from_xywh(region.x + x, region.y + y, width, height)
    corners = cv2.boxPoints(cv2.minAreaRect(largest)) + np.array([region.x + margin, region.y + margin])
    return box, _grown(RotatedBox.from_corners(corners.astype(np.float32)), margin)


def _largest_contour(region: MaskRegion) -> cv2.typing.MatLike | None:
    if region.pixels.size == 0:
        return None
    found = cv2.findContours(region.pixels.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[-2]
    return max(found, key=cv2.contourArea, default=None)


def _grown(rotated: RotatedBox, margin: float) -> RotatedBox:
    """Larger by a margin on every side, and named so that theta is nearest to upright, in [-pi/4, pi/4)."""
    width, height, theta = rotated.width + 2 * margin, rotated.height + 2 * margin, rotated.theta
    if theta >= math.pi / 4:
        return RotatedBox(rotated.cx, rotated.cy, height, width, theta - math.pi / 2)
    if theta < -math.pi / 4:
        return RotatedBox(rotated.cx, rotated.cy, height, width, theta + math.pi / 2)
    return RotatedBox(rotated.cx, rotated.cy, width, height, theta)
