"""What the object looked like, pixel by pixel: a memory of the first frame that each later frame is asked
against.

Ours; SiamMask and S2iamMask remember one vector a channel. Trackers that remember pixels (D3S: Lukezic et
al. 2020; STM: Oh et al. 2019) tell parts of the object from what stands beside it. Each cell of the
template's window has a key, what the backbone saw there, and whether it was object or surroundings. A cell of
the region that is searched finds the keys like it, and is told how much of either they were. That the mask of
the frame before is a map among these is RGMP's idea (Oh et al. 2018).
"""

import math
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2iammask_core.geometry import PRIOR_CELLS
from s2iammask_core.model.pooling import DEEP, EARLY, Grid, channels_first, channels_last, pool
from s2iammask_core.tracking.network import MEMORY_CELLS, MEMORY_FAINT, MEMORY_KEY, MEMORY_KEYS

CELLS = math.isqrt(MEMORY_CELLS)  # a side of what is remembered: the early cells of a template of 127 pixels
WINDOW = 32  # cells a side that ask, over the smallest box around a target's regions
VALUES = 12  # what a cell remembers beside its occupancy
ROWS = MEMORY_KEY + 2 + VALUES  # numbers that a cell of the memory holds
MAPS = 4 + VALUES  # maps that a read gives: the share of the object, likeness to either, values, prior
BRIGHTEST = math.log1p(256 / MEMORY_FAINT)  # about the greatest likeness, of hundreds of equal cells
EVEN = 32  # products of matrices whose sides are multiples of this take half the time
LEAST = 1e-6  # share that has a logarithm
WIDEST = 6.0  # greatest logarithm of the odds that the memory may give


class Recall(NamedTuple):
    """What M regions are told."""

    coarse: Tensor  # (M, MAPS, 28, 28)
    fine: Tensor  # (M, MAPS, 56, 56)
    odds: Tensor  # (M, 56, 56) logarithm of the odds that a pixel is the object, by likeness alone


class Asked(NamedTuple):
    """What reads the memory: the search patches' features, already reduced, and what is remembered."""

    early: Tensor  # (N, MEMORY_KEYS[0], 63, 63)
    deep: Tensor  # (N, MEMORY_KEYS[1], 31, 31)
    prior: Tensor  # (N, PRIOR_CELLS, PRIOR_CELLS) in [0, 1]
    rows: Tensor  # (N, ROWS, cells)
    side: int  # of the search patch, pixels


class PixelMemory(nn.Module):
    """Writes and reads memories, in batches of N targets."""

    def __init__(self, early: int, deep: int) -> None:
        """Channels of layer1 and of the last layer of the backbone."""
        super().__init__()
        self.early = nn.Conv2d(early, MEMORY_KEYS[0], 1)
        self.deep = nn.Conv2d(deep, MEMORY_KEYS[1], 1)
        self.sharpness = nn.Parameter(torch.tensor([5.0, 10.0]))  # of the likeness in either kind of feature
        self.value = nn.Sequential(
            nn.Conv2d(MEMORY_KEY + 1, VALUES, 3, padding=1), nn.ReLU(), nn.Conv2d(VALUES, VALUES, 1)
        )

    def reduced(self, early: Tensor, deep: Tensor) -> tuple[Tensor, Tensor]:
        """Early (N, C1, 63, 63) and deep (N, C3, 31, 31) features of patches in the keys' few channels."""
        return self.early(early), self.deep(deep)

    def remember(self, early: Tensor, deep: Tensor, masks: Tensor) -> Tensor:
        """Memories (N, ROWS, cells) of template patches.

        Args:
            early: (N, C1, S, S) features of the patches, and deep ones (N, C3, S', S').
            masks: (N, T, T) how far each pixel is the object, in [0, 1]; negative where that is unknown. A
                mask that is 0 everywhere gives a memory that says nothing.
        """
        boxes = early.new_tensor(_cells_of(early.shape[-1]), dtype=torch.float32).expand(early.shape[0], 1, 4)
        keys = self._keys(*self.reduced(early, deep), boxes, CELLS)  # (N, MEMORY_KEY, CELLS, CELLS)
        object_, known = _occupancy(masks)
        any_object = (object_.amax(dim=(1, 2), keepdim=True) > 0).float()[:, None]  # (N, 1, 1, 1)
        told = torch.stack([object_, known - object_], dim=1) * any_object  # (N, 2, S, S)
        values = self.value(torch.cat([keys, told[:, :1].to(keys.dtype)], dim=1))
        values = values.float() * known[:, None] * any_object
        return torch.cat([keys.float() * any_object, told, values], dim=1).flatten(2)

    def read(self, asked: Asked, rois: Tensor) -> Recall:
        """What the memories say about regions (N, K, 4) x1 y1 x2 y2 of the search patches; M is N * K."""
        corners = rois.float()
        around = torch.cat([corners[..., :2].amin(dim=1), corners[..., 2:].amax(dim=1)], dim=1)[:, None]
        maps = self._maps(asked, around)  # (N, MAPS + 1, WINDOW, WINDOW)
        low, size = around[..., :2], (around[..., 2:] - around[..., :2]).clamp(min=1.0)
        inside = ((corners.unflatten(2, (2, 2)) - low[:, :, None]) / size[:, :, None]).flatten(2) * WINDOW
        cells = Grid(1, 0.5)
        coarse, fine = (channels_last(pool(maps, inside, size, cells)) for size in (28, 56))
        told = [channels_first(each[..., :MAPS]) for each in (coarse, fine)]
        return Recall(told[0], told[1], fine[..., MAPS])

    def _maps(self, asked: Asked, around: Tensor) -> Tensor:
        object_, around_it, nothing, *values = self._attended(asked, around).unbind(dim=1)
        likeness = [((each + nothing).log() - nothing.log()) / BRIGHTEST for each in (object_, around_it)]
        prior = pool(asked.prior[:, None].float(), around, WINDOW, prior_grid(asked.side))
        odds = ((object_ + nothing).log() - (around_it + nothing).log()).clamp(-WIDEST, WIDEST)
        return torch.cat([torch.stack([object_, *likeness, *values], dim=1), prior, odds[:, None]], dim=1)

    def _attended(self, asked: Asked, around: Tensor) -> Tensor:
        """(N, 3 + VALUES, WINDOW, WINDOW): the shares of the object, of its surroundings and of nothing known
        in what each cell is like, and the values so weighted.

        Nothing known is a cell of its own, as like to all that asks as MEMORY_FAINT says. No key is more like
        than the sharpness allows, so the softmax needs no maximum, and its sum is one more product.
        """
        rows = torch.cat([asked.rows, torch.ones_like(asked.rows[:, :1])], dim=1)
        rows = F.pad(rows, (0, -rows.shape[2] % EVEN))  # cells of zeros, which add nothing
        keys, told = rows[:, :MEMORY_KEY], rows[:, MEMORY_KEY:]
        asking = self._keys(asked.early, asked.deep, around, WINDOW)  # (N, MEMORY_KEY, WINDOW, WINDOW)
        alike = asking.flatten(2).transpose(1, 2) @ keys.to(asking.dtype)  # (N, WINDOW^2, cells)
        weights = (alike - self.sharpness.sum().to(alike.dtype)).exp()
        found = (weights @ told.to(weights.dtype).transpose(1, 2)).float()
        found = found.transpose(1, 2)  # (N, 2 + VALUES + 1, WINDOW^2), the last the sum of the weights
        total = found[:, -1:] + MEMORY_FAINT
        object_and_around, values = (found[:, :-1] / total).split((2, VALUES), dim=1)
        shares = torch.cat([object_and_around, MEMORY_FAINT / total], dim=1).clamp(min=LEAST)
        return cast(Tensor, torch.cat([shares, values], dim=1).unflatten(2, (WINDOW, WINDOW)))

    def _keys(self, early: Tensor, deep: Tensor, boxes: Tensor, size: int) -> Tensor:
        """(N, MEMORY_KEY, size, size): directions of reduced features in boxes (N, 1, 4), each as long as it
        counts.
        """
        kinds = zip((early, deep), (EARLY[1], DEEP), self.sharpness.sqrt(), strict=True)
        parts = [F.normalize(pool(each, boxes, size, grid).float()) * scale for each, grid, scale in kinds]
        return torch.cat(parts, dim=1).to(early.dtype)

    @torch.no_grad()
    def begin(self, early: Tensor, deep: Tensor) -> None:
        """Keys become the principal components of features (N, C, H, W), so that they tell things apart."""
        for conv, features in ((self.early, early), (self.deep, deep)):
            flat = features.float().transpose(0, 1).flatten(1)  # (C, M)
            mean = flat.mean(dim=1)
            spread = torch.cov(flat)
            axes = torch.linalg.eigh(spread).eigenvectors[:, -conv.out_channels :].T  # (keys, C)
            conv.weight.copy_(axes[:, :, None, None])
            cast(Tensor, conv.bias).copy_(-axes @ mean)


def prior_grid(side: int) -> Grid:
    """Where the cells of a prior lie in a search patch of the given side, pixels."""
    step = side / PRIOR_CELLS
    return Grid(step, step / 2)


def _cells_of(cells: int) -> list[float]:
    """The box whose equal parts have their centres where early cells lie, patch pixels."""
    stride, first = EARLY[1].stride, EARLY[1].first
    low = first - stride / 2
    return [low, low, low + stride * cells, low + stride * cells]


def _occupancy(masks: Tensor) -> tuple[Tensor, Tensor]:
    """How far each cell is the object, and how far that is known, (N, CELLS, CELLS) in [0, 1]."""
    side = 4 * CELLS + 1  # five pixels around each cell's place, which lies in the middle of the third
    if masks.shape[-1] != side + 2:
        masks = F.interpolate(masks[:, None], size=(side + 2, side + 2))[:, 0]  # of other templates
    part = masks[:, 1 : 1 + side, 1 : 1 + side]
    both = torch.stack([part.clamp(min=0), (part >= 0).to(part.dtype)], dim=1).float()
    object_, known = F.avg_pool2d(both, 5, 4).unbind(dim=1)
    return object_, known
