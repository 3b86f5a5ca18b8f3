"""The second stage: masks of regions, pooled from the padded mask correlation and the search features.

Both maps lie on one grid, cell i at patch pixel 8 i + 7.5, so a region reads exactly the cells it covers.
"""

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from s2iammask_core.model.backbone import CHANNELS

STRIDE = 8
# torchvision's aligned RoIAlign puts cell i at 8 i + 4; ours sits at 8 i + 7.5
GRID_OFFSET = 3.5
MASK_PIXELS = 28  # side of a region's mask


def _convs(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    edge = kernel // 2
    middle = outputs if kernel == 3 else {16: 64, 64: 128}[outputs]
    return nn.Sequential(
        nn.Conv2d(inputs, middle, kernel, padding=edge),
        nn.ReLU(inplace=True),
        nn.Conv2d(middle, outputs, kernel, padding=edge),
        nn.ReLU(inplace=True),
    )


class FusionHead(nn.Module):
    """G2, the fusion FCN: deep coarse and shallow fine features of the region are added on the way up."""

    pooled = 28

    def __init__(self) -> None:
        super().__init__()
        self.down1 = _convs(CHANNELS, CHANNELS, 3)
        self.down2 = _convs(CHANNELS, CHANNELS, 3)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.side1 = _convs(CHANNELS, 16, 1)
        self.side2 = _convs(CHANNELS, 64, 1)
        self.up1 = nn.ConvTranspose2d(CHANNELS, 64, 4, 2, 1, bias=False)
        self.up2 = nn.ConvTranspose2d(64, 16, 4, 2, 1, bias=False)
        self.out = nn.Conv2d(16, 1, 1)

    def forward(self, pooled: Tensor) -> Tensor:
        """Mask logits (M, 28, 28) of pooled features (M, 256, 28, 28)."""
        return self.fused(self.down1[0](pooled), self.side1[0](pooled))

    def fused(self, down: Tensor, side: Tensor) -> Tensor:
        """Mask logits of what the first convolutions, down1 and side1, made of the pooled features."""
        half = self.pool(self.down1[1:](down))  # (M, 256, 14, 14)
        quarter = self.pool(self.down2(half))  # (M, 256, 7, 7)
        x = self.up1(quarter) + self.side2(half)  # (M, 64, 14, 14)
        x = self.up2(x) + self.side1[1:](side)  # (M, 16, 28, 28)
        logits: Tensor = self.out(x)
        return logits[:, 0]


class PlainHead(nn.Module):
    """G1: four convolutions, one transposed convolution, one logit a pixel."""

    pooled = 14

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(4):
            layers += [
                nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
                nn.BatchNorm2d(CHANNELS, eps=1e-3),
                nn.ReLU(inplace=True),
            ]
        self.convs = nn.Sequential(*layers)
        self.up = nn.ConvTranspose2d(CHANNELS, CHANNELS, 2, 2)
        self.out = nn.Conv2d(CHANNELS, 1, 1)

    def forward(self, pooled: Tensor) -> Tensor:
        """Mask logits (M, 28, 28) of pooled features (M, 256, 14, 14)."""
        x: Tensor = self.out(torch.relu(self.up(self.convs(pooled))))
        return x[:, 0]


HEADS: dict[str, type[FusionHead] | type[PlainHead]] = {"g1": PlainHead, "g2": FusionHead}


class RegionMasks(nn.Module):
    """One head shared by the pooled maps; their logits are summed."""

    def __init__(self, head: str) -> None:
        super().__init__()
        self.head = HEADS[head]()
        for module in self.head.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.normal_(self.head.out.weight, std=0.01)  # so that training begins undecided

    def forward(self, maps: tuple[Tensor, ...], rois: Tensor) -> Tensor:
        """Mask logits of regions.

        Args:
            maps: feature maps (N, 256, 31, 31) on the grid of the search features.
            rois: (N, K, 4) x1 y1 x2 y2 in continuous patch pixels.

        Returns:
            (N, K, 28, 28)
        """
        n, k, _ = rois.shape
        pooled = torch.cat([pool(each, rois, self.head.pooled) for each in maps])
        logits: Tensor = self.head(pooled)
        return logits.reshape(len(maps), n, k, *logits.shape[1:]).sum(dim=0)


def pool(features: Tensor, rois: Tensor, size: int) -> Tensor:
    """RoIAlign on the true grid: (N * K, C, size, size) of features (N, C, H, W) and rois (N, K, 4).

    In float32 whatever the features are: half formats cannot hold a coordinate, and the CPU has no other
    kernel.
    """
    n, k, _ = rois.shape
    index = torch.arange(n, device=rois.device, dtype=torch.float32)[:, None, None].expand(n, k, 1)
    table = torch.cat([index, rois.float() - GRID_OFFSET], dim=2).flatten(0, 1)  # (N * K, 5)
    pooled: Tensor = roi_align(features.float(), table, size, 1 / STRIDE, sampling_ratio=1, aligned=True)
    return pooled.to(features.dtype)
