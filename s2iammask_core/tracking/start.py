"""What tracking can start from, checked once: boxes, rotated boxes, polygons and masks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box, Points, RotatedBox
from s2iammask_core.errors import TargetError
from s2iammask_core.tracking.arrays import is_tensor
from s2iammask_core.tracking.track import Mask

if TYPE_CHECKING:
    from torch import Tensor

StartTarget: TypeAlias = "Box | RotatedBox | Points | Mask | Tensor"
LARGEST_FACTOR = 2.0  # a box may be this many times as large as the frame, in each direction


@dataclass(frozen=True, slots=True)
class Start:
    """A checked object to start from."""

    box: Box  # the upright box around it, frame pixels; may reach out of the frame
    corners: Points | None = None  # (M, 2), if it was given as a rotated box or a polygon
    mask: Mask | None = None  # (H, W), if it was given as a mask

    def visible(self, frame_size: tuple[int, int]) -> Box:
        """The part of the box inside the frame (H, W)."""
        height, width = frame_size
        x1, x2 = max(self.box.x1, 0.0), min(self.box.x2, float(width))
        y1, y2 = max(self.box.y1, 0.0), min(self.box.y2, float(height))
        return Box(x1, y1, x2, y2)


def checked_start(target: StartTarget, frame_size: tuple[int, int]) -> Start:
    """The object in a frame (H, W); TargetError for one that is not finite, empty, or outside the frame."""
    start = _start(target, frame_size)
    box, (height, width) = start.box, frame_size
    if not np.isfinite((box.x1, box.y1, box.x2, box.y2)).all():
        raise TargetError(f"the box {box} is not finite")
    if box.width < 1 or box.height < 1:
        raise TargetError(f"the box {box} is empty; it must be at least one pixel wide and high")
    if box.width > LARGEST_FACTOR * width or box.height > LARGEST_FACTOR * height:
        raise TargetError(f"the box {box} is far larger than the frame of {width} x {height} pixels")
    visible = start.visible(frame_size)
    if visible.width < 1 or visible.height < 1:
        raise TargetError(f"the box {box} lies outside the frame of {width} x {height} pixels")
    return start


def _start(target: StartTarget, frame_size: tuple[int, int]) -> Start:
    if isinstance(target, Box):
        return Start(target)
    if isinstance(target, RotatedBox):
        return Start(target.box, target.corners)
    values: Any = target.cpu().numpy() if is_tensor(target) else target
    if not isinstance(values, np.ndarray):
        kind = type(target).__name__
        raise TargetError(f"a target is a Box, RotatedBox, polygon (M, 2) or bool mask (H, W), not {kind}")
    return _from_mask(values, frame_size) if values.dtype == np.bool_ else _from_polygon(values)


def _from_mask(mask: Mask, frame_size: tuple[int, int]) -> Start:
    if mask.shape != frame_size:
        raise TargetError(f"the mask has shape {mask.shape}, the frame has {frame_size}")
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    if width == 0:
        raise TargetError("the mask is empty; mark at least one pixel")
    return Start(Box.from_xywh(x, y, width, height), mask=mask)


def _from_polygon(points: NDArray[Any]) -> Start:
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or points.dtype.kind not in "iuf":
        raise TargetError(
            f"a polygon must be (M, 2) numbers with M >= 3, got {points.shape} {points.dtype}; "
            "a mask must be bool, for instance picture > 0"
        )
    corners = points.astype(np.float32)
    return Start(Box.around(corners), corners)
