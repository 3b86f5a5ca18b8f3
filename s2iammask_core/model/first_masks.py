"""Which pixels of a box are the object: what a first frame asks, once, and so by a network of its own.

The step's second stage knows masks of what a search has found, at 56 x 56. Here the object fills half of a
large patch, its box is an input, and there is time for a deeper network. Ours; the idea that a box, or a few
clicks, as a further input makes a segmentation network fill what is meant is that of Deep Interactive Object
Selection (Xu et al. 2016) and Deep GrabCut (Xu et al. 2017).
"""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2iammask_core.model.backbone import conv_bn, conv_bn_relu, normal_init

FIRST_PIXELS = 239  # side of its patches, more than twice as fine as a template
BLOCKS = (3, 4, 6)  # of the ResNet-50's stages at strides 4, 8 and 16
WIDTH = 96  # channels of the decoder at strides 16 and 8; half of it at 4, a quarter at 2
INSIDE = 2.0  # makes of what a box says of a pixel, a half, one


class Block(nn.Module):
    """A bottleneck as the first ResNet had it: the stride is in its first 1x1 convolution."""

    def __init__(self, inputs: int, width: int, stride: int = 1) -> None:
        super().__init__()
        outputs = 4 * width
        self.conv1 = nn.Conv2d(inputs, width, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = conv_bn_relu(x, self.conv1, self.bn1)
        y = conv_bn_relu(y, self.conv2, self.bn2)
        skipped = conv_bn(x, cast(nn.Conv2d, self.shortcut[0]), self.shortcut[1]) if self.shortcut else x
        return conv_bn_relu(y, self.conv3, self.bn3, skipped)


class Body(nn.Module):
    """A ResNet-50 up to stride 16, exactly as the Caffe weights on ImageNet were trained."""

    def __init__(self, blocks: Sequence[int] = BLOCKS) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        stages = [
            nn.Sequential(Block(inputs, width, stride), *(Block(4 * width, width) for _ in range(count - 1)))
            for inputs, width, stride, count in zip(
                (64, 256, 512), (64, 128, 256), (1, 2, 2), blocks, strict=True
            )
        ]
        self.layer1, self.layer2, self.layer3 = stages
        normal_init(self)

    def forward(self, patches: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Maps of 64, 256, 512 and 1024 channels at strides 2, 4, 8 and 16; boxes are added to the first."""
        f0 = conv_bn_relu(patches, self.conv1, self.bn1, boxes)  # (N, 64, 120, 120)
        f1 = self.layer1(F.max_pool2d(f0, 3, 2, ceil_mode=True))  # (N, 256, 60, 60)
        f2 = self.layer2(f1)  # (N, 512, 30, 30)
        return f0, f1, f2, self.layer3(f2)  # (N, 1024, 15, 15)


class Unit(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        padding = dilation * (kernel // 2)
        conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False)
        super().__init__(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Finer(nn.Module):
    """A step of the decoder: twice as fine, with the body's map of that stride and the box."""

    def __init__(self, inputs: int, outputs: int, skipped: int) -> None:
        super().__init__()
        self.above = Unit(inputs, outputs, 1)
        self.beside = Unit(skipped, outputs, 1)
        self.joined = Unit(outputs + 1, outputs, 3)

    def forward(self, x: Tensor, skip: Tensor, boxes: Tensor) -> Tensor:
        size = skip.shape[-2:]
        larger = F.interpolate(self.above(x), size=size, mode="bilinear", align_corners=False)
        return cast(Tensor, self.joined(_with(larger + self.beside(skip), boxes)))


class FirstMasks(nn.Module):
    """Patches around boxes to the masks of the objects that fill them."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Body()
        self.box = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        self.top = Unit(1024 + 1, WIDTH, 1)
        self.wide = nn.Sequential(Unit(WIDTH, WIDTH, 3, 2), Unit(WIDTH, WIDTH, 3, 4))
        self.finer = nn.ModuleList(
            [Finer(WIDTH, WIDTH, 512), Finer(WIDTH, WIDTH // 2, 256), Finer(WIDTH // 2, WIDTH // 4, 64)]
        )
        self.out = nn.Conv2d(WIDTH // 4, 1, 1)
        nn.init.zeros_(self.box.weight)  # so that it begins as the body was trained

    def forward(self, patches: Tensor, boxes: Tensor) -> Tensor:
        """Probabilities (N, P, P) of patches (N, 3, P, P) and boxes as masks (N, P, P), negative outside the
        frame.
        """
        return self.logits(patches, boxes).float().sigmoid()

    def logits(self, patches: Tensor, boxes: Tensor) -> Tensor:
        """The same before the sigmoid."""
        inside = (boxes.clamp(min=0) * INSIDE)[:, None].to(patches.dtype)
        *skips, deep = self.body(patches, self.box(inside))
        x = self.top(_with(deep, inside))
        x = x + self.wide(x)
        for finer, skip in zip(self.finer, reversed(skips), strict=True):
            x = finer(x, skip, inside)
        logits = F.interpolate(self.out(x), size=patches.shape[-2:], mode="bilinear", align_corners=False)
        return logits[:, 0]


def _with(features: Tensor, boxes: Tensor) -> Tensor:
    """Features with boxes (N, 1, P, P) as one more channel."""
    smaller = F.interpolate(boxes, size=features.shape[-2:], mode="bilinear", align_corners=False)
    return torch.cat([features, smaller.to(features.dtype)], dim=1)
