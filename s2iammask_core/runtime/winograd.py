"""Large 3x3 convolutions on a CPU by Winograd's F(2x2, 3x3): 16 products for four outputs instead of 36.

A CPU's product of matrices is near its limit already, so fewer products is all that is left. The numbers
differ by about as much as the number format rounds.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KERNEL = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]])
WORTH_IT = 180  # inputs * outputs / (inputs + outputs): products saved for each number that is transformed


class WinogradConv2d(nn.Module):
    """Computes what a 3x3 convolution of stride 1 does."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.padding = cast(int, conv.padding[0])
        weight = conv.weight.detach().float()
        kernel = torch.einsum("ai,bj,ocij->abco", KERNEL, KERNEL, weight).flatten(0, 1)
        self.register_buffer("kernel", kernel.to(conv.weight.dtype).contiguous())  # (16, inputs, outputs)
        self.register_buffer("bias", cast(Tensor, conv.bias).detach())

    def forward(self, x: Tensor) -> Tensor:
        _, _, height, width = x.shape
        rows, columns = height + 2 * self.padding - 2, width + 2 * self.padding - 2  # of the output
        down, across = (rows + 1) // 2, (columns + 1) // 2  # tiles of 2 x 2
        bottom, right = 2 * down + 2 - height - self.padding, 2 * across + 2 - width - self.padding
        padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, self.padding, right, self.padding, bottom))
        products = self._products(_transformed(padded, down, across))
        out = _assembled(products).add_(cast(Tensor, self.bias))
        return out[:, :rows, :columns].permute(0, 3, 1, 2)

    def _products(self, tiles: Tensor) -> Tensor:
        kernel = cast(Tensor, self.kernel)
        products = torch.bmm(tiles.flatten(2, 4).flatten(0, 1), kernel)
        return products.reshape(*tiles.shape[:5], kernel.shape[2])


def _transformed(padded: Tensor, down: int, across: int) -> Tensor:
    """Tiles (4, 4, N, down, across, C) of 4 x 4 cells, which overlap by two, from (N, H, W, C)."""
    n, _, width, channels = padded.shape
    rows = padded.new_empty(4, n, down, width, channels)
    even, odd = padded[:, 0::2], padded[:, 1::2]
    _differences(even[:, :-1], odd[:, :-1], even[:, 1:], odd[:, 1:], rows.unbind(0))
    tiles = padded.new_empty(4, 4, n, down, across, channels)
    even, odd = rows[:, :, :, 0::2], rows[:, :, :, 1::2]
    _differences(even[:, :, :, :-1], odd[:, :, :, :-1], even[:, :, :, 1:], odd[:, :, :, 1:], tiles.unbind(1))
    return tiles


def _differences(
    first: Tensor, second: Tensor, third: Tensor, fourth: Tensor, out: tuple[Tensor, ...]
) -> None:
    """The input transform of one direction, of four neighbours."""
    torch.sub(first, third, out=out[0])
    torch.add(second, third, out=out[1])
    torch.sub(third, second, out=out[2])
    torch.sub(second, fourth, out=out[3])


def _assembled(products: Tensor) -> Tensor:
    """Outputs (N, 2 down, 2 across, O) of products (4, 4, N, down, across, O)."""
    upper, lower = _sums(products.unbind(0))  # each (4, N, down, across, O)
    _, n, down, across, outputs = upper.shape
    out = products.new_empty(n, down, 2, across, 2, outputs)
    for row, part in enumerate((upper, lower)):
        out[:, :, row, :, 0], out[:, :, row, :, 1] = _sums(part.unbind(0))
    return out.reshape(n, 2 * down, 2 * across, outputs)


def _sums(parts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """The output transform of one direction."""
    first, second, third, fourth = parts
    return (second + third).add_(first), (second - third).sub_(fourth)


def use_winograd(module: nn.Module) -> None:
    """Replaces the convolutions for which it pays, in place."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d) and _pays(child):
                setattr(parent, name, WinogradConv2d(child))


def _pays(conv: nn.Conv2d) -> bool:
    plain = conv.kernel_size == (3, 3) and conv.stride == conv.dilation == (1, 1) and conv.groups == 1
    saved = conv.in_channels * conv.out_channels / (conv.in_channels + conv.out_channels)
    return plain and conv.bias is not None and saved >= WORTH_IT
