"""The fusion head with its first convolutions shared by all regions of a patch.

Pooling a region and convolving what was pooled are both linear, so they may change places: the map is
multiplied by the weights of each of the nine taps once, and a region is then a sum of nine interpolations.
For ten regions that is a third of the products.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2iammask_core.model.mask_head import FusionHead, RegionMasks
from s2iammask_core.model.memory import Recall
from s2iammask_core.model.network import SiameseNetwork
from s2iammask_core.model.pooling import DEEP, hats, sample_places

TAPS = 3  # of the first convolution, in each direction


def share_first_layers(network: SiameseNetwork) -> None:
    """Replaces the second stage, in place, if it has the fusion head."""
    masks = network._modules.get("region_masks")
    if isinstance(masks, RegionMasks) and isinstance(masks.head, FusionHead):
        network.add_module("region_masks", SharedRegionMasks(masks))


class SharedRegionMasks(RegionMasks):
    """Computes what RegionMasks does."""

    def __init__(self, masks: RegionMasks) -> None:
        nn.Module.__init__(self)
        for name in ("head", "detail", "memory", "recall", "odds"):
            if hasattr(masks, name):
                setattr(self, name, getattr(masks, name))
        head = cast(FusionHead, masks.head)
        down, side = cast(nn.Conv2d, head.down1[0]), cast(nn.Conv2d, head.side1[0])
        taps = down.weight.detach().permute(2, 3, 0, 1).flatten(0, 2)  # (9 * C, C)
        self.register_buffer("taps", torch.cat([taps, side.weight.detach().flatten(1)]).contiguous())
        self.register_buffer("down_bias", cast(Tensor, down.bias).detach())
        self.register_buffer("side_bias", cast(Tensor, side.bias).detach())

    def hidden(self, maps: tuple[Tensor, ...], rois: Tensor, recall: Recall | None) -> Tensor:
        parts = [self._first(each[row], rois[row]) for each in maps for row in range(len(rois))]
        down, side = (torch.cat(each).permute(0, 3, 1, 2) for each in zip(*parts, strict=True))
        joins = self.recalled(recall, len(maps), down.dtype)
        down = torch.relu(down if joins is None else down + joins)
        return cast(FusionHead, self.head).fused(down, torch.relu(side))

    def _first(self, features: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
        """What the first convolutions make of regions (K, 4) of a map (C, H, W): (K, 28, 28, C and 64)."""
        channels, height, width = features.shape
        products = F.linear(features.permute(1, 2, 0), cast(Tensor, self.taps))  # (H, W, 9 * C + 64)
        taps = products[..., : TAPS**2 * channels].unflatten(2, (TAPS, TAPS, channels))
        rows = interpolation(rois[:, 1], rois[:, 3], height).to(features.dtype)  # (K, 3, 28, H)
        columns = interpolation(rois[:, 0], rois[:, 2], width).to(features.dtype)
        down = _interpolated(taps, rows, columns) + cast(Tensor, self.down_bias)
        plain = products[..., TAPS**2 * channels :][:, :, None, None]
        side = _interpolated(plain, rows[:, 1:2], columns[:, 1:2]) + cast(Tensor, self.side_bias)
        return down, side


def interpolation(low: Tensor, high: Tensor, cells: int) -> Tensor:
    """(K, 3, 28, cells): the share of each cell in each sample of regions from low to high (K,).

    For the sample before, at and after each place; what is before the first and after the last is zero. The
    samples are those of torchvision's aligned RoIAlign; low and high are patch pixels.
    """
    size = FusionHead.pooled
    places = DEEP.places(sample_places(torch.stack([low, high], dim=-1), size))  # (K, 28)
    padded = F.pad(hats(places, cells), (0, 0, 1, 1))  # (K, 30, cells)
    return torch.stack([padded[:, tap : tap + size] for tap in range(TAPS)], dim=1)


def _interpolated(taps: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """(K, 28, 28, C): sums over taps (H, W, T, T, C), by rows (K, T, 28, H) and columns (K, T, 28, W).

    First all regions together along x, then each of them along y.
    """
    height, width, _, count, channels = taps.shape
    regions, _, size, _ = rows.shape
    by_row = taps.permute(2, 0, 3, 1, 4).reshape(count * height, count * width, channels)
    across = columns.permute(0, 2, 1, 3).reshape(1, regions * size, count * width)
    wide = torch.matmul(across, by_row).unflatten(1, (regions, -1))  # (T * H, K, 28, C)
    down = rows.permute(0, 2, 1, 3).reshape(regions, size, count * height)
    found: Tensor = torch.bmm(down, wide.flatten(2).transpose(0, 1))  # (K, 28, 28 * C)
    return cast(Tensor, found.unflatten(2, (size, channels)))
