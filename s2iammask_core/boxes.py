"""Boxes, rotated boxes and their overlap.

One convention everywhere: continuous coordinates, x to the right and y down, pixel i spans [i, i + 1).
A box is x1 y1 x2 y2, so its width is x2 - x1, without a + 1.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    def text(self) -> str:
        """`x,y,width,height`, as from_text reads it."""
        return ",".join(f"{value:g}" for value in self.xywh)

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
        with np.errstate(over="ignore"):  # beyond float32 they are infinite, which a start refuses
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
