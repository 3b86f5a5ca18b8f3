"""A convolution, what is added to its output, and the ReLU after both.

Three passes over the features, unless the device has a kernel for all of it: then a runtime puts a
`RectifiedConv2d` in the convolution's place.
"""

from collections.abc import Callable
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn

RectifyingKernel: TypeAlias = Callable[[Tensor, nn.Conv2d, Tensor | None], Tensor]


class RectifiedConv2d(nn.Module):
    """relu(conv(x) + added) by a kernel that computes it at once."""

    def __init__(self, conv: nn.Conv2d, kernel: RectifyingKernel) -> None:
        super().__init__()
        self.conv, self._kernel = conv, kernel

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        return self._kernel(x, self.conv, added)


def rectified(x: Tensor, conv: nn.Module, added: Tensor | None = None) -> Tensor:
    """relu(conv(x) + added); what is added has the shape of the convolution's output."""
    if isinstance(conv, RectifiedConv2d):
        return cast(Tensor, conv(x, added))
    found: Tensor = conv(x)
    return torch.relu(found if added is None else found + added)
