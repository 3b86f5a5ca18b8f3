"""Anchors, and the coding of boxes relative to them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


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


def decode(deltas: Tensor, anchors: Tensor, dim: int = -1) -> Tensor:
    """Boxes (..., 4) cx cy w h, or with the four in another dimension; the inverse of encode."""
    (shifts, growths), (centers, sizes) = deltas.chunk(2, dim), anchors.chunk(2, dim)
    return torch.cat([shifts * sizes + centers, torch.exp(growths) * sizes], dim=dim)
