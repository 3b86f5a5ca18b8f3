"""The modified ResNet-50 of SiamMask: conv1 to layer3 at stride 8, then the neck (Wang et al. 2019, section
4.1).

It differs from torchvision's: no padding in conv1, an unpadded stride in layer2, dilation instead of stride
in layer3, and 3x3 shortcuts in the first blocks of layer2 and layer3. All layers stay at exact cell
positions: cell i of layer2, layer3 and neck sits at patch pixel 8 i + 7 (index coordinates), which is
8 i + 7.5 in continuous ones.
"""

import math
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2iammask_core.model.rectified import RectifiedConv2d

CROP_BELOW = 20  # neck outputs narrower than this are templates: 4 cells are cut off each side


class Channels(NamedTuple):
    """Of a backbone's feature maps, at strides 2, 4, 8 and 8."""

    stem: int
    early: int
    middle: int
    deep: int


def conv_bn(x: Tensor, conv: nn.Conv2d, norm: nn.Module) -> Tensor:
    """norm(conv(x)); a frozen batch norm is folded into the kernel, which saves a pass over the features.

    Gradients reach the kernel as without folding; those of the frozen norm's own weights do not matter.
    """
    if not isinstance(norm, nn.BatchNorm2d) or norm.training:
        return cast(Tensor, norm(conv(x)))
    scale, bias = affine(norm)
    return F.conv2d(
        x, conv.weight * scale[:, None, None, None], bias, conv.stride, conv.padding, conv.dilation
    )


def conv_bn_relu(x: Tensor, conv: nn.Module, norm: nn.Module, added: Tensor | None = None) -> Tensor:
    """relu(norm(conv(x)) + added)."""
    if isinstance(conv, RectifiedConv2d):  # the norm was folded into it
        return cast(Tensor, conv(x, added))
    found = conv_bn(x, cast(nn.Conv2d, conv), norm)
    return F.relu(found if added is None else found.add_(added), inplace=True)


def affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and bias (C,) that a batch norm in evaluation mode applies."""
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return scale, norm.bias - mean * scale


def normal_init(module: nn.Module) -> None:
    """Convolutions as He et al. 2015 draw them, by what goes out."""
    for each in module.modules():
        if isinstance(each, nn.Conv2d):
            fan_out = each.kernel_size[0] * each.kernel_size[1] * each.out_channels
            nn.init.normal_(each.weight, std=math.sqrt(2 / fan_out))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 with a shortcut; `shortcut_kernel` 0 means identity.

    A shortcut of 1x1 in a block with a stride reads the middles of the 3x3 cells that the block reads.
    """

    def __init__(
        self, inputs: int, width: int, stride: int = 1, dilation: int = 1, shortcut_kernel: int = 0
    ) -> None:
        super().__init__()
        outputs = 4 * width
        padding = 0 if stride == 2 else dilation  # the strided block is unpadded
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        self.middles = slice(1, -1, stride) if stride == 2 and shortcut_kernel == 1 else None
        if shortcut_kernel:
            strides = (1, 0) if shortcut_kernel == 1 else (stride, padding)
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, shortcut_kernel, *strides, dilation, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = conv_bn_relu(x, self.conv1, self.bn1)
        y = conv_bn_relu(y, self.conv2, self.bn2)
        return conv_bn_relu(y, self.conv3, self.bn3, self._skipped(x))

    def shortened(self, x: Tensor) -> Tensor:
        """The cells of x that the shortcut reads."""
        return x if self.middles is None else x[:, :, self.middles, self.middles]

    def _skipped(self, x: Tensor) -> Tensor:
        if not len(self.shortcut):
            return x
        conv, norm = self.shortcut
        return conv_bn(self.shortened(x), cast(nn.Conv2d, conv), norm)


class Backbone(nn.Module):
    """Patches (N, 3, P, P), RGB 0..255, to four feature maps of 64, 256, 512 and 1024 channels."""

    channels = Channels(64, 256, 512, 1024)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 64, shortcut_kernel=1), Bottleneck(256, 64), Bottleneck(256, 64)
        )
        self.layer2 = nn.Sequential(
            Bottleneck(256, 128, stride=2, shortcut_kernel=3), *(Bottleneck(512, 128) for _ in range(3))
        )
        self.layer3 = nn.Sequential(
            Bottleneck(512, 256, shortcut_kernel=3), *(Bottleneck(1024, 256, dilation=2) for _ in range(5))
        )
        normal_init(self)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        f0 = conv_bn_relu(patches, self.conv1, self.bn1)  # (N, 64, 125, 125) for P = 255
        f1 = self.layer1(F.max_pool2d(f0, 3, 2, 1))  # (N, 256, 63, 63)
        f2 = self.layer2(f1)  # (N, 512, 31, 31)
        return f0, f1, f2, self.layer3(f2)  # (N, 1024, 31, 31)


class Neck(nn.Sequential):
    """1x1 convolution to the channels of everything after it; a template's map is cut to its centre."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__(nn.Conv2d(inputs, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, features: Tensor) -> Tensor:
        conv, norm = self
        x = conv_bn(features, cast(nn.Conv2d, conv), norm)
        return x[:, :, 4:-4, 4:-4] if x.shape[-1] < CROP_BELOW else x
