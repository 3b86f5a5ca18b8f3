"""A light backbone on the very grid of the large one, for robots without a big GPU.

The first blocks that the large backbone begins its stages with, so that it can begin with weights of a
ResNet-50 trained on ImageNet, and one more that sees further. A search patch of 255 pixels takes 1.7 GMAC, an
eighth of what the large one takes.
"""

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from s2iammask_core.model.backbone import Bottleneck, Channels, conv_bn_relu, normal_init

LEAST_BLOCKS = 3  # at stride 8


class SmallBackbone(nn.Module):
    """Patches (N, 3, P, P), RGB 0..255, to four feature maps at strides 2, 4, 8 and 8."""

    channels = Channels(64, 256, 512, 512)

    def __init__(self, blocks: int = LEAST_BLOCKS) -> None:
        """`blocks` at stride 8, of which those after the third see four cells to each side."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Bottleneck(64, 64, shortcut_kernel=1))
        self.layer2 = nn.Sequential(
            Bottleneck(256, 128, stride=2, shortcut_kernel=1),
            Bottleneck(512, 128),
            Bottleneck(512, 128, dilation=2),  # sees as far as more blocks would
            *(Bottleneck(512, 128, dilation=4) for _ in range(blocks - LEAST_BLOCKS)),
        )
        normal_init(self)
        for added in self.layer2[LEAST_BLOCKS:]:  # so that a network with fewer blocks goes on as it was
            nn.init.zeros_(cast(Bottleneck, added).conv3.weight)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        f0 = conv_bn_relu(patches, self.conv1, self.bn1)  # (N, 64, 125, 125) for P = 255
        f1 = self.layer1(F.max_pool2d(f0, 3, 2, 1))  # (N, 256, 63, 63)
        f2 = self.layer2[0](f1)  # (N, 512, 31, 31)
        return f0, f1, f2, self.layer2[1:](f2)  # (N, 512, 31, 31)
