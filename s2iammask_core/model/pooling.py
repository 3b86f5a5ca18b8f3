"""Bilinear samples of maps over regions: what RoIAlign with one sample a cell gives, as products of matrices.

Bilinear interpolation is separable, so a region is read by one product for its rows and one for its columns.
Products are what processors do best, in half formats too, and their gradients are products again. Libraries
that run exported graphs have a RoIAlign that reads large maps faster.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the cells of a map lie: cell i at patch pixel stride * i + first, in continuous pixels."""

    stride: float
    first: float

    def places(self, pixels: Tensor) -> Tensor:
        """The positions of patch pixels, in cells."""
        return (pixels - self.first) / self.stride


DEEP = Grid(8, 7.5)  # search features and the padded correlation
EARLY = (Grid(2, 3.5), Grid(4, 3.5))  # the stem and layer1 of the backbone
LARGE = 48  # cells a side from which RoIAlign is the faster of the two in an exported graph


def pool(features: Tensor, rois: Tensor, size: int, grid: Grid) -> Tensor:
    """(N * K, C, size, size) of features (N, C, H, W) and rois (N, K, 4) x1 y1 x2 y2, patch pixels.

    Each region is read at the centres of size x size equal cells; what lies beyond the map is zero.
    """
    if features.shape[2] >= LARGE and torch.onnx.is_in_onnx_export():
        return aligned(features, rois, size, grid)
    n, channels, height, width = features.shape
    k = rois.shape[1]
    x, y = sample_places(rois[..., 0::2], size), sample_places(rois[..., 1::2], size)  # (N, K, size)
    rows = hats(grid.places(y), height).to(features.dtype).flatten(1, 2)  # (N, K * size, H)
    columns = hats(grid.places(x), width).to(features.dtype).flatten(0, 1)  # (N * K, size, W)
    by_row = channels_last(features).reshape(n, height, width * channels)
    wide = torch.bmm(rows, by_row).reshape(n * k, size, width, channels)
    if torch.onnx.is_in_onnx_export():  # products that share a matrix; PyTorch would repeat it in memory
        return channels_first(columns[:, None] @ wide)
    turned = wide.transpose(1, 2).flatten(2)  # (N * K, W, size * C)
    found = torch.bmm(columns, turned).reshape(n * k, size, size, channels)  # by x, then y
    return found.permute(0, 3, 2, 1)  # (N * K, C, size, size)


def channels_first(features: Tensor) -> Tensor:
    """Features (N, H, W, C) as (N, C, H, W), where convolutions read them without moving them."""
    return features.permute(0, 3, 1, 2)


def channels_last(features: Tensor) -> Tensor:
    """The inverse: what is cut or joined in this form needs not be moved afterwards."""
    return features.permute(0, 2, 3, 1)


def aligned(features: Tensor, rois: Tensor, size: int, grid: Grid) -> Tensor:
    """What `pool` says, by RoIAlign with one sample a cell, which takes its cells to begin at pixel 0."""
    from torchvision.ops import roi_align  # a second to import, and only exports need it

    n, k = rois.shape[:2]
    shifted = rois.float() + (grid.stride / 2 - grid.first)
    number = torch.arange(n, device=rois.device, dtype=shifted.dtype).repeat_interleave(k)[:, None]
    regions = torch.cat([number, shifted.flatten(0, 1)], dim=1)  # (N * K, 5)
    found: Tensor = roi_align(
        features, regions.to(features.dtype), size, 1 / grid.stride, sampling_ratio=1, aligned=True
    )
    return found


def sample_places(span: Tensor, size: int) -> Tensor:
    """(..., size): the centres of `size` equal parts of spans (..., 2), low and high."""
    steps = (torch.arange(size, device=span.device) + 0.5) / size
    low, high = span[..., :1].float(), span[..., 1:].float()
    return low + (high - low) * steps


def hats(places: Tensor, cells: int) -> Tensor:
    """(..., cells): each cell's share in a bilinear sample at places (...), in cells; 0 beyond the map."""
    inside = (places >= -1) & (places <= cells)
    near = places.clamp(0, cells - 1)[..., None]
    distance = (near - torch.arange(cells, device=places.device)).abs()
    return (1 - distance).clamp(min=0) * inside[..., None]
