"""Depthwise cross-correlation of templates with search features (SiamRPN++ / SiamMask)."""

from collections.abc import Callable
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Correlation: TypeAlias = Callable[[Tensor, Tensor, int], Tensor]


def depthwise_correlation(search: Tensor, kernels: Tensor, padding: int = 0) -> Tensor:
    """Correlates each channel of each sample with its own kernel.

    Args:
        search: (N, C, H, W)
        kernels: (N, C, h, w)
        padding: cells of zeros around the search features.

    Returns:
        (N, C, H + 2 padding - h + 1, W + 2 padding - w + 1)
    """
    n, c, height, width = search.shape
    grouped = search.reshape(1, n * c, height, width)
    out = F.conv2d(grouped, kernels.reshape(n * c, 1, *kernels.shape[2:]), padding=padding, groups=n * c)
    return out.reshape(n, c, *out.shape[2:])


def correlation_by_taps(search: Tensor, kernels: Tensor, padding: int = 0) -> Tensor:
    """The same, one kernel cell after the other; exchange formats cannot have a group for each sample."""
    padded = F.pad(search, (padding,) * 4)
    height, width = kernels.shape[2:]
    rows, columns = padded.shape[2] - height + 1, padded.shape[3] - width + 1
    out = torch.zeros_like(padded[:, :, :rows, :columns])
    for y in range(height):
        for x in range(width):
            out = out + padded[:, :, y : y + rows, x : x + columns] * kernels[:, :, y : y + 1, x : x + 1]
    return out


class ConvBlock(nn.Sequential):
    """Unpadded 3x3 convolution, batch norm, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 3, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        )


class CorrelationHead(nn.Sequential):
    """1x1 convolutions from the correlation to the predictions of each cell."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, outputs, 1),
        )

    def hidden(self, correlation: Tensor) -> Tensor:
        """(N, C, S, S): all but the last convolution."""
        for layer in list(self)[:-1]:
            correlation = layer(correlation)
        return correlation


class CorrelationBranch(nn.Module):
    """Template and search branch of one task and the head on their correlation; head outputs 0 means none."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.template = ConvBlock(channels)
        self.search = ConvBlock(channels)
        self.head: nn.Module = CorrelationHead(channels, outputs) if outputs else nn.Identity()

    def correlate(self, kernels: Tensor, search: Tensor, padding: int = 0) -> Tensor:
        """Correlation (N, C, 25, 25) of kernels (N, C, 5, 5) with neck features (N, C, 31, 31).

        With padding 3 it lies on the very grid of the neck features, (N, C, 31, 31).
        """
        return depthwise_correlation(self.search(search), kernels, padding)
