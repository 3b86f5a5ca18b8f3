"""A light backbone on the very grid of the large one, for robots without a big GPU.

Residual blocks of two plain 3x3 convolutions: what CPUs and small GPUs run best. A search patch of 255 pixels
takes 1.3 GMAC, a tenth of what the large backbone takes.
"""

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from s2iammask_core.model.backbone import Channels, conv_bn, normal_init


class BasicBlock(nn.Module):
    """3x3, 3x3 with a shortcut, which is a convolution where the channels or the grid change."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        padding = 0 if stride == 2 else dilation  # the strided block is unpadded, as in the large backbone
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if inputs != outputs:
            kernel = 3 if stride == 2 else 1
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, kernel, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(conv_bn(x, self.conv1, self.bn1), inplace=True)
        return F.relu(conv_bn(y, self.conv2, self.bn2).add_(self._skipped(x)), inplace=True)

    def _skipped(self, x: Tensor) -> Tensor:
        if not len(self.shortcut):
            return x
        conv, norm = self.shortcut
        return conv_bn(x, cast(nn.Conv2d, conv), norm)


class NanoBackbone(nn.Module):
    """Patches (N, 3, P, P), RGB 0..255, to four feature maps at strides 2, 4, 8 and 8."""

    channels = Channels(24, 48, 96, 160)

    def __init__(self) -> None:
        super().__init__()
        stem, early, middle, deep = self.channels
        self.conv1 = nn.Conv2d(3, stem, 7, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.layer1 = nn.Sequential(BasicBlock(stem, early))
        self.layer2 = nn.Sequential(BasicBlock(early, middle, stride=2), BasicBlock(middle, middle))
        self.layer3 = nn.Sequential(BasicBlock(middle, deep), BasicBlock(deep, deep, dilation=2))
        normal_init(self)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        scaled = patches / 64 - 2  # a network from scratch learns better from small, centred numbers
        f0 = F.relu(conv_bn(scaled, self.conv1, self.bn1), inplace=True)  # (N, 24, 125, 125) for P = 255
        f1 = self.layer1(F.max_pool2d(f0, 3, 2, 1))  # (N, 48, 63, 63)
        f2 = self.layer2(f1)  # (N, 96, 31, 31)
        return f0, f1, f2, self.layer3(f2)  # (N, 160, 31, 31)
