"""Crops: square windows of the frame, the patches cut from them, and the way back.

One convention everywhere: continuous coordinates, x to the right and y down, pixel i spans [i, i + 1). So the
centre of patch pixel p lies in the frame at x = x0 + (p + 0.5) * side / pixels, and nothing is rounded.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

HostFrame: TypeAlias = NDArray[np.uint8]  # (H, W, 3) RGB
Frame: TypeAlias = HostFrame | Tensor  # a tensor may lie on any device


def context_side(width: float, height: float, context: float) -> float:
    """Side of the square that holds a box and the given margin, in mean side lengths, around it."""
    margin = context * (width + height)
    return math.sqrt((width + margin) * (height + margin))


@dataclass(frozen=True, slots=True)
class Crop:
    """Square windows of the frame, one for each of N targets, each resampled to pixels x pixels."""

    centers: Tensor  # (N, 2) x y, frame pixels
    sides: Tensor  # (N,) frame pixels
    pixels: int

    @property
    def origins(self) -> Tensor:
        """(N, 2): the top left corners, in frame pixels."""
        return self.centers - self.sides[:, None] / 2

    @property
    def scale(self) -> Tensor:
        """(N,): patch pixels per frame pixel."""
        return self.pixels / self.sides

    def to_patch(self, boxes: Tensor) -> Tensor:
        """Maps boxes (N, ..., 4) x1 y1 x2 y2 from frame to patch coordinates."""
        return (boxes - _beside(self.origins.repeat(1, 2), boxes)) * _beside(self.scale[:, None], boxes)

    def to_frame(self, boxes: Tensor) -> Tensor:
        """Maps boxes (N, ..., 4) from patch to frame coordinates; the inverse of to_patch."""
        return boxes / _beside(self.scale[:, None], boxes) + _beside(self.origins.repeat(1, 2), boxes)


def _beside(values: Tensor, boxes: Tensor) -> Tensor:
    """Values (N, C) with as many dimensions as boxes (N, ..., 4)."""
    return values.reshape(len(values), *[1] * (boxes.dim() - 2), -1)


def cut(frame: Frame, crop: Crop, border: Tensor) -> Tensor:
    """Patches (N, 3, P, P) float32 of a frame, on the frame's device; border (N, 3) fills what lies outside.

    A host frame goes through OpenCV, a tensor through a gather that never waits for the host. Both are
    bilinear; OpenCV rounds to whole grey levels.
    """
    return _gather(frame, crop, border) if isinstance(frame, Tensor) else _warp(frame, crop, border)


def _warp(frame: HostFrame, crop: Crop, border: Tensor) -> Tensor:
    patches = np.empty((len(crop.sides), crop.pixels, crop.pixels, 3), np.uint8)
    windows = zip(patches, crop.origins.tolist(), crop.sides.tolist(), border.tolist(), strict=True)
    for patch, (x0, y0), side, colour in windows:
        step = side / crop.pixels
        start = 0.5 * step - 0.5  # from a pixel's corner to its centre, at both ends
        matrix = np.array([[step, 0.0, x0 + start], [0.0, step, y0 + start]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (crop.pixels, crop.pixels)
        cv2.warpAffine(frame, matrix, size, patch, flags, cv2.BORDER_CONSTANT, colour)
    return torch.from_numpy(patches).permute(0, 3, 1, 2).float()


def _gather(frame: Tensor, crop: Crop, border: Tensor) -> Tensor:
    height, width, _ = frame.shape
    steps = (torch.arange(crop.pixels, device=frame.device) + 0.5) / crop.pixels - 0.5  # (P,)
    places = crop.centers[:, :, None] + steps * crop.sides[:, None, None] - 0.5  # (N, 2, P)
    (left, right), x_part = _taps(places[:, 0], width)
    (above, below), y_part = _taps(places[:, 1], height)
    x_part, y_part = x_part[:, None, :, None], y_part[:, :, None, None]
    upper = torch.lerp(_pixels(frame, above, left, border), _pixels(frame, above, right, border), x_part)
    lower = torch.lerp(_pixels(frame, below, left, border), _pixels(frame, below, right, border), x_part)
    return torch.lerp(upper, lower, y_part).permute(0, 3, 1, 2)  # (N, 3, P, P)


def _taps(places: Tensor, size: int) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """The two pixels beside each place (N, P), and the share of the second; -1 and size mean outside."""
    near = places.floor()
    low, high = near.clamp(-1, size).long(), (near + 1).clamp(-1, size).long()
    return (low, high), (places - near).float()


def _pixels(frame: Tensor, rows: Tensor, columns: Tensor, border: Tensor) -> Tensor:
    """Pixels (N, P, P, 3) at rows (N, P) and columns (N, P); the border's colour outside the frame."""
    height, width, _ = frame.shape
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    found = frame[rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]]
    return torch.where(inside[..., None], found.float(), border[:, None, None, :].float())


def mean_colour(frame: Frame) -> tuple[float, float, float]:
    """Mean red, green and blue of a frame, in [0, 255]."""
    means = frame.float().mean(dim=(0, 1)).tolist() if isinstance(frame, Tensor) else cv2.mean(frame)[:3]
    red, green, blue = (float(each) for each in means)
    return red, green, blue


def paste(masks: Tensor, rois: Tensor, pixels: int) -> Tensor:
    """Masks (N, K, M, M) stretched bilinearly over their regions (N, K, 4), and 0 elsewhere: (N, K, P, P).

    Bilinear interpolation is separable, so the stretching is two matrix products for all masks at once.
    """
    columns = _stretch(rois[..., 0], rois[..., 2], masks.shape[-1], pixels)  # (N, K, P, M)
    rows = _stretch(rois[..., 1], rois[..., 3], masks.shape[-2], pixels)
    return rows @ masks.float() @ columns.transpose(-1, -2)


def _stretch(starts: Tensor, ends: Tensor, samples: int, pixels: int) -> Tensor:
    """The share (..., P, M) of each of M samples, spread evenly from starts to ends (...), in each pixel."""
    centers = torch.arange(pixels, device=starts.device) + 0.5  # (P,)
    low, high = starts[..., None], ends[..., None]
    inside = (centers >= low) & (centers < high)  # (..., P)
    places = (centers - low) / (high - low).clamp(min=1e-6) * samples - 0.5
    distance = places.clamp(0, samples - 1)[..., None] - torch.arange(samples, device=starts.device)
    return (1 - distance.abs()).clamp(min=0) * inside[..., None]
