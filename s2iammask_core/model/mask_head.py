"""The second stage: masks of regions, pooled from the padded mask correlation and the search features.

Each map lies on a grid of its own, and a region reads exactly the cells it covers.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2iammask_core.model.memory import MAPS, Asked, PixelMemory, Recall
from s2iammask_core.model.pooling import DEEP, EARLY, channels_first, channels_last, pool
from s2iammask_core.model.rectified import rectified

MASK_PIXELS = 28  # side of a region's mask; twice that with detail


def _convs(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    edge = kernel // 2
    middle = outputs if kernel == 3 else {16: 64, 64: 128}[outputs]
    return nn.Sequential(
        nn.Conv2d(inputs, middle, kernel, padding=edge),
        nn.ReLU(inplace=True),
        nn.Conv2d(middle, outputs, kernel, padding=edge),
        nn.ReLU(inplace=True),
    )


class Head(nn.Module):
    """Turns pooled features into masks of 28 x 28."""

    pooled: int  # side of the pooled features
    hidden_channels: int  # C' of the last features
    out: nn.Conv2d

    def forward(self, pooled: Tensor) -> Tensor:
        """Mask logits (M, 28, 28) of pooled features (M, C, pooled, pooled)."""
        return self.logits(self.hidden(pooled))

    def hidden(self, pooled: Tensor, recalled: Tensor | None = None) -> Tensor:
        """The last features (M, C', 28, 28); what is recalled (M, C, pooled, pooled) joins the first ones."""
        raise NotImplementedError

    def logits(self, hidden: Tensor) -> Tensor:
        x: Tensor = self.out(hidden)
        return x[:, 0]


class FusionHead(Head):
    """G2, the fusion FCN: deep coarse and shallow fine features of the region are added on the way up."""

    pooled = 28

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.hidden_channels = 16
        self.down1 = _convs(channels, channels, 3)
        self.down2 = _convs(channels, channels, 3)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.side1 = _convs(channels, 16, 1)
        self.side2 = _convs(channels, 64, 1)
        self.up1 = nn.ConvTranspose2d(channels, 64, 4, 2, 1, bias=False)
        self.up2 = nn.ConvTranspose2d(64, 16, 4, 2, 1, bias=False)
        self.out = nn.Conv2d(16, 1, 1)

    def hidden(self, pooled: Tensor, recalled: Tensor | None = None) -> Tensor:
        return self.fused(rectified(pooled, self.down1[0], recalled), rectified(pooled, self.side1[0]))

    def fused(self, down: Tensor, side: Tensor) -> Tensor:
        """The last features, of what the first convolutions and ReLUs of down1 and side1 made of the pooled
        ones.
        """
        half = self.pool(self.down1[2:](down))  # (M, C, 14, 14)
        quarter = self.pool(self.down2(half))  # (M, C, 7, 7)
        x = self.up1(quarter) + self.side2(half)  # (M, 64, 14, 14)
        fine: Tensor = self.up2(x) + self.side1[2:](side)  # (M, 16, 28, 28)
        return fine


class PlainHead(Head):
    """G1: four convolutions, one transposed convolution, one logit a pixel."""

    pooled = 14

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.hidden_channels = channels
        layers: list[nn.Module] = []
        for _ in range(4):
            layers += [
                nn.Conv2d(channels, channels, 3, padding=1),
                nn.BatchNorm2d(channels, eps=1e-3),
                nn.ReLU(inplace=True),
            ]
        self.convs = nn.Sequential(*layers)
        self.up = nn.ConvTranspose2d(channels, channels, 2, 2)
        self.out = nn.Conv2d(channels, 1, 1)

    def hidden(self, pooled: Tensor, recalled: Tensor | None = None) -> Tensor:
        found: Tensor = self.up(self.convs(pooled if recalled is None else pooled + recalled))
        return torch.relu(found)


class Detail(nn.Module):
    """Doubles the resolution of region masks: what the backbone saw early, at strides 2 and 4, places their
    outlines, which the deep features know to eight pixels only.

    Ours: neither SiamMask nor the fusion head has it; SiamMask-sharp's refine module does the like for score
    cells.
    """

    widths = (16, 24)  # channels of the early maps after their reduction
    middle = 24

    def __init__(self, early: tuple[int, int], hidden: int, recalled: int = 0) -> None:
        """Channels of the early maps, of the head's last features, and of what a memory recalls."""
        super().__init__()
        self.early = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 1) for inputs, outputs in zip(early, self.widths, strict=True)
        )
        self.coarse = nn.Conv2d(hidden + 1, self.middle, 3, padding=1)
        self.fine = nn.Conv2d(sum(self.widths), self.middle, 3, padding=1)
        self.recall = nn.Conv2d(recalled, self.middle, 3, padding=1, bias=False) if recalled else None
        self.mix = nn.Conv2d(self.middle, self.middle, 3, padding=1)
        self.out = nn.Conv2d(self.middle, 1, 3, padding=1)
        self.doubling: Tensor
        self.register_buffer("doubling", doubling(MASK_PIXELS), persistent=False)

    def reduced(self, f0: Tensor, f1: Tensor) -> tuple[Tensor, ...]:
        """Narrow versions of early features (N, C0, 125, 125) and (N, C1, 63, 63)."""
        return tuple(rectified(each, conv) for conv, each in zip(self.early, (f0, f1), strict=True))

    def forward(
        self,
        hidden: Tensor,
        logits: Tensor,
        early: tuple[Tensor, ...],
        rois: Tensor,
        recalled: Tensor | None = None,
    ) -> Tensor:
        """Mask logits (M, 56, 56) of M regions.

        Args:
            hidden: (M, C, 28, 28) last features of the head, and its logits (M, 28, 28).
            early: what `reduced` made of N patches.
            rois: (N, K, 4) with N * K = M.
            recalled: (M, MAPS, 56, 56) where there is a memory.
        """
        side = 2 * MASK_PIXELS
        seen = [pool(each, rois, side, grid) for each, grid in zip(early, EARLY, strict=True)]
        coarse = _doubled(self.coarse(torch.cat([hidden, logits[:, None]], dim=1)))
        joined = self.joined(seen, recalled, coarse)
        found: Tensor = self.out(rectified(joined, self.mix))[:, 0]
        return found + self.doubling @ logits @ self.doubling.T  # faster than `_doubled` for a single channel

    def joined(self, seen: list[Tensor], recalled: Tensor | None, coarse: Tensor) -> Tensor:
        """The first features (M, C, 56, 56): of early maps, of what is recalled, and coarse ones."""
        if self.recall is not None and recalled is not None:
            coarse = coarse + self.recall(recalled)
        return rectified(torch.cat(seen, dim=1), self.fine, coarse)


def doubling(size: int) -> Tensor:
    """(2 size, size): shares by which products double the resolution of a map, bilinearly."""
    places = ((torch.arange(2 * size) + 0.5) / 2 - 0.5).clamp(0, size - 1)
    return (1 - (places[:, None] - torch.arange(size)).abs()).clamp(min=0)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


HEADS: dict[str, type[FusionHead] | type[PlainHead]] = {"g1": PlainHead, "g2": FusionHead}


class RegionInputs(NamedTuple):
    """What the second stage reads of N search patches."""

    maps: tuple[Tensor, ...]  # each (N, C, 31, 31): correlation, search features, or both
    early: tuple[Tensor, ...] = ()  # reduced early features, where detail is wanted
    asked: Asked | None = None  # where there is a memory


class RegionMasks(nn.Module):
    """One head shared by the pooled maps, whose logits are summed; detail, where wanted, comes last."""

    def __init__(self, head: str, channels: int, early: tuple[int, int] | None, deep: int | None) -> None:
        """Channels of the pooled maps; of the early ones where detail is wanted; of the deep ones where a
        memory is, which needs detail.
        """
        super().__init__()
        recalled = MAPS if deep else 0
        self.head = HEADS[head](channels)
        self.detail = Detail(early, self.head.hidden_channels, recalled) if early else None
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        for out in (self.head.out, *([self.detail.out] if self.detail else [])):
            nn.init.normal_(out.weight, std=0.01)  # so that training begins undecided
        self.memory = None
        if early and deep:
            self.memory = PixelMemory(early[1], deep)
            self.recall = nn.Conv2d(MAPS, channels, 3, padding=1, bias=False)
            self.odds = nn.Parameter(torch.tensor(0.25))  # weight of what the memory says by itself
            for begun in (self.recall, self.detail.recall if self.detail else None):
                if begun is not None:
                    nn.init.zeros_(begun.weight)  # a network without memory goes on as it was

    @property
    def pixels(self) -> int:
        """Side M of the masks."""
        return MASK_PIXELS if self.detail is None else 2 * MASK_PIXELS

    def inputs(
        self,
        maps: tuple[Tensor, ...],
        skips: tuple[Tensor, ...],
        prior: Tensor | None,
        rows: Tensor | None,
    ) -> RegionInputs:
        """What `forward` reads.

        Args:
            maps: (N, C, 31, 31) each, to pool.
            skips: the backbone's maps f0, f1, f2 and f3.
            prior: (N, PRIOR_CELLS, PRIOR_CELLS) the mask of the frame before, in [0, 1].
            rows: (N, ROWS, cells), what `memory.remember` made.
        """
        if self.detail is None:
            return RegionInputs(maps)
        early = self.detail.reduced(skips[0], skips[1])
        if self.memory is None or prior is None or rows is None:
            return RegionInputs(maps, early)
        side = 8 * skips[3].shape[-1] + 7
        return RegionInputs(maps, early, Asked(*self.memory.reduced(skips[1], skips[3]), prior, rows, side))

    def forward(self, inputs: RegionInputs, rois: Tensor) -> Tensor:
        """Mask logits (N, K, M, M) of regions (N, K, 4), x1 y1 x2 y2 in continuous patch pixels."""
        recall = None
        if self.memory is not None and inputs.asked is not None:
            recall = self.memory.read(inputs.asked, rois)
        hidden = self.hidden(inputs.maps, rois, recall)
        count = len(inputs.maps)
        logits: Tensor = self.head.logits(hidden).unflatten(0, (count, -1)).sum(dim=0)  # (N * K, 28, 28)
        if self.detail is not None:
            summed = hidden.unflatten(0, (count, -1)).sum(dim=0)
            fine = None if recall is None else recall.fine.to(summed.dtype)
            logits = self.detail(summed, logits, inputs.early, rois, fine)
        if recall is not None:
            logits = logits + self.odds * recall.odds.to(logits.dtype)
        return logits.reshape(rois.shape[0], rois.shape[1], *logits.shape[1:])

    def hidden(self, maps: tuple[Tensor, ...], rois: Tensor, recall: Recall | None) -> Tensor:
        """The head's last features (maps * N * K, C, 28, 28)."""
        parts = [channels_last(pool(each, rois, self.head.pooled, DEEP)) for each in maps]
        pooled = channels_first(torch.cat(parts))
        found: Tensor = self.head.hidden(pooled, self.recalled(recall, len(maps), pooled.dtype))
        return found

    def recalled(self, recall: Recall | None, maps: int, dtype: torch.dtype) -> Tensor | None:
        """What joins the head's first features of each of the pooled maps, (maps * N * K, C, 28, 28)."""
        if recall is None:
            return None
        joins: Tensor = self.recall(recall.coarse.to(dtype))
        return joins.repeat(maps, 1, 1, 1)
