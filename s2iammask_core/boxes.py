"""Boxes, rotated boxes, their overlap, anchors, and the coding of boxes relative to anchors.

One convention everywhere: continuous coordinates, x to the right and y down, pixel i spans [i, i + 1).
A box is x1 y1 x2 y2, so its width is x2 - x1, without a + 1.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2iammask_core.errors import TargetError

Points = NDArray[np.float32]  # (M, 2), x y


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in frame pixels."""

    x1: float
    y1: float
    x2: float
    y2: float

    @classmethod
    def from_xywh(cls, x: float, y: float, width: float, height: float) -> "Box":
        return cls(x, y, x + width, y + height)

    @classmethod
    def from_center(cls, cx: float, cy: float, width: float, height: float) -> "Box":
        return cls(cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)

    @classmethod
    def from_text(cls, text: str) -> "Box":
        """Of `x,y,width,height`; TargetError for anything else."""
        try:
            x, y, width, height = (float(part) for part in text.split(","))
        except ValueError as error:
            raise TargetError(f"a box is x,y,width,height in pixels, got {text!r}") from error
        return cls.from_xywh(x, y, width, height)

    @classmethod
    def around(cls, points: Points) -> "Box":
        """The smallest box that holds the points (M, 2)."""
        (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return cls(x1, y1, x2, y2)

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def center(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    @property
    def area(self) -> float:
        return max(self.width, 0.0) * max(self.height, 0.0)

    @property
    def xywh(self) -> tuple[float, float, float, float]:
        return self.x1, self.y1, self.width, self.height

    def intersection(self, other: "Box") -> float:
        """The common area, in square pixels."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: "Box") -> float:
        """Intersection over union, in [0, 1]; 0 if both are empty."""
        common = self.intersection(other)
        union = self.area + other.area - common
        return common / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True)
class RotatedBox:
    """A box turned about its centre. theta: radians, from x towards y (clockwise), in [-pi/2, pi/2)."""

    cx: float
    cy: float
    width: float  # along the direction theta
    height: float  # across it
    theta: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "theta", normalized_angle(self.theta))

    @classmethod
    def from_box(cls, box: Box) -> "RotatedBox":
        return cls(*box.center, box.width, box.height, 0.0)

    @classmethod
    def from_corners(cls, corners: Points) -> "RotatedBox":
        """From the corners (4, 2) of a rectangle, in order; width runs from the first to the second."""
        along, across = corners[1] - corners[0], corners[2] - corners[1]
        cx, cy = corners.mean(axis=0).tolist()
        width, height = float(np.hypot(*along)), float(np.hypot(*across))
        theta = math.atan2(float(along[1]), float(along[0]))
        return cls(cx, cy, width, height, theta)

    @property
    def corners(self) -> Points:
        """(4, 2): the corner that is top left at theta 0, then clockwise on screen."""
        c, s = math.cos(self.theta), math.sin(self.theta)
        half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (self.width / 2, self.height / 2)
        corners = half @ np.array([[c, s], [-s, c]]) + (self.cx, self.cy)
        return np.asarray(corners, np.float32)

    @property
    def box(self) -> Box:
        """The upright box around it."""
        return Box.around(self.corners)

    @property
    def area(self) -> float:
        return self.width * self.height


def normalized_angle(theta: float) -> float:
    """The same undirected direction in [-pi/2, pi/2)."""
    turned = (theta + math.pi / 2) % math.pi - math.pi / 2
    return -math.pi / 2 if turned >= math.pi / 2 else turned


def box_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union, elementwise over broadcast boxes (..., 4) x1 y1 x2 y2; 0 if both are empty."""
    low = torch.maximum(boxes[..., :2], others[..., :2])
    high = torch.minimum(boxes[..., 2:], others[..., 2:])
    common = (high - low).clamp(min=0).prod(dim=-1)
    union = area(boxes) + area(others) - common
    return common / union.clamp(min=1e-9)


def area(boxes: Tensor) -> Tensor:
    """(...,) areas of boxes (..., 4)."""
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)


def to_corners(boxes: Tensor) -> Tensor:
    """Center form (..., 4) cx cy w h to x1 y1 x2 y2."""
    center, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([center - half, center + half], dim=-1)


def to_centers(boxes: Tensor) -> Tensor:
    """Corners (..., 4) x1 y1 x2 y2 to cx cy w h."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


@dataclass(frozen=True)
class AnchorShape:
    """The anchors of one cell (SiamRPN); ratio is height / width."""

    stride: int = 8
    ratios: tuple[float, ...] = (0.33, 0.5, 1.0, 2.0, 3.0)
    scale: float = 8.0

    @property
    def count(self) -> int:
        return len(self.ratios)

    def sizes(self) -> list[tuple[float, float]]:
        """(width, height) in patch pixels for each ratio; truncated as in SiamMask, to fit its weights."""
        area_ = self.stride**2
        widths = [int(math.sqrt(area_ / ratio)) for ratio in self.ratios]
        heights = [int(width * ratio) for width, ratio in zip(widths, self.ratios, strict=True)]
        return [(w * self.scale, h * self.scale) for w, h in zip(widths, heights, strict=True)]


def anchor_grid(cells: int, shape: AnchorShape = AnchorShape()) -> Tensor:
    """Anchors around the centre of the patch: (A * cells * cells, 4) cx cy w h, in patch pixels.

    The order is anchor, row, column, which is that of the flattened score and box maps.
    """
    steps = (torch.arange(cells, dtype=torch.float32) - (cells - 1) / 2) * shape.stride  # (S,)
    sizes = torch.tensor(shape.sizes(), dtype=torch.float32)  # (A, 2)
    grid = torch.empty(len(sizes), cells, cells, 4)  # (A, S, S, 4)
    grid[..., 0] = steps[None, None, :]
    grid[..., 1] = steps[None, :, None]
    grid[..., 2:] = sizes[:, None, None, :]
    return grid.reshape(-1, 4)


def cell_windows(cell: Tensor, cells: int, pixels: int, side: float) -> Tensor:
    """(N, 4) windows of a side, x1 y1 x2 y2 in patch pixels, around score cells (N,) of an S x S map that
    lies around the centre of a patch of so many pixels.
    """
    places = torch.stack([cell % cells, cell // cells], dim=-1)  # (N, 2) column, row
    centers = (places - (cells - 1) / 2) * AnchorShape().stride + pixels / 2
    return torch.cat([centers - side / 2, centers + side / 2], dim=-1)


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Box deltas (..., 4) of boxes relative to anchors, both cx cy w h."""
    centers = (boxes[..., :2] - anchors[..., :2]) / anchors[..., 2:]
    return torch.cat([centers, torch.log(boxes[..., 2:] / anchors[..., 2:])], dim=-1)


def decode(deltas: Tensor, anchors: Tensor) -> Tensor:
    """Boxes (..., 4) cx cy w h; the inverse of encode."""
    centers = deltas[..., :2] * anchors[..., 2:] + anchors[..., :2]
    return torch.cat([centers, torch.exp(deltas[..., 2:]) * anchors[..., 2:]], dim=-1)
