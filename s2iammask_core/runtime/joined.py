"""Convolutions whose outputs are added become one, which reads the inputs of both: fewer passes."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2iammask_core.model.backbone import Bottleneck
from s2iammask_core.model.mask_head import Detail
from s2iammask_core.model.rectified import rectified

EVEN = 16  # maps whose channels are a multiple of this are sampled fastest


def join_convolutions(network: nn.Module) -> None:
    """Replaces blocks whose batch norms are folded, in place."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if (
                isinstance(child, Bottleneck)
                and len(child.shortcut)
                and child.shortcut[0].kernel_size == (1, 1)
            ):
                setattr(parent, name, JoinedBottleneck(child))
            elif isinstance(child, Detail) and child.recall is not None:
                setattr(parent, name, JoinedDetail(child))


class JoinedBottleneck(nn.Module):
    """Computes what a bottleneck with a 1x1 shortcut does, whose last convolution and shortcut are one."""

    def __init__(self, block: Bottleneck) -> None:
        super().__init__()
        self.conv1, self.conv2 = block.conv1, block.conv2
        self.conv3 = _joined([block.conv3, cast(nn.Conv2d, block.shortcut[0])])
        self._shortened = block.shortened

    def forward(self, x: Tensor) -> Tensor:
        y = rectified(rectified(x, self.conv1), self.conv2)
        return rectified(torch.cat([y, self._shortened(x)], dim=1), self.conv3)


class JoinedDetail(Detail):
    """Computes what Detail with a memory does: one convolution reads early maps and what is recalled."""

    def __init__(self, detail: Detail) -> None:
        nn.Module.__init__(self)
        self.coarse, self.mix, self.out = detail.coarse, detail.mix, detail.out
        self.register_buffer("doubling", detail.doubling, persistent=False)
        early = [_filled_up(cast(nn.Conv2d, conv)) for conv in detail.early]
        self.early = nn.ModuleList(conv for conv, _ in early)
        fine = detail.fine.weight.split(list(detail.widths), dim=1)
        seen = [F.pad(part, (0, 0, 0, 0, 0, more)) for part, (_, more) in zip(fine, early, strict=True)]
        recall = cast(nn.Conv2d, detail.recall)
        weight = torch.cat([*seen, recall.weight], dim=1)
        self.fine, self.recall = _like(detail.fine, weight, cast(Tensor, detail.fine.bias)), None

    def joined(self, seen: list[Tensor], recalled: Tensor | None, coarse: Tensor) -> Tensor:
        assert recalled is not None, "a network with a memory asks it"
        return rectified(torch.cat([*seen, recalled], dim=1), self.fine, coarse)


def _joined(convs: list[nn.Conv2d]) -> nn.Conv2d:
    """The sum of convolutions of different inputs, as one of all their channels."""
    weight = torch.cat([conv.weight for conv in convs], dim=1)
    bias = torch.stack([cast(Tensor, conv.bias) for conv in convs]).sum(dim=0)
    return _like(convs[0], weight, bias)


def _filled_up(conv: nn.Conv2d) -> tuple[nn.Conv2d, int]:
    """With further outputs that are zero, and how many."""
    more = -conv.out_channels % EVEN
    weight, bias = F.pad(conv.weight, (0, 0, 0, 0, 0, 0, 0, more)), F.pad(cast(Tensor, conv.bias), (0, more))
    return _like(conv, weight, bias), more


def _like(conv: nn.Conv2d, weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """A convolution of the same kind with other weights."""
    made: nn.Conv2d = nn.utils.skip_init(
        nn.Conv2d,
        weight.shape[1],
        weight.shape[0],
        cast(int, conv.kernel_size),
        stride=cast(int, conv.stride),
        padding=cast(int, conv.padding),
        dilation=cast(int, conv.dilation),
        device=weight.device,
        dtype=weight.dtype,
    )
    made.weight = nn.Parameter(weight.detach(), requires_grad=False)
    made.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return made
