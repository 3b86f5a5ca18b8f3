"""The random numbers of a batch: they come with its pairs, so that the same pair always looks the same."""

from typing import Any

import torch
from torch import Tensor


class Noise:
    """Hands out columns of the pairs' random numbers (N, NOISE), each once."""

    def __init__(self, values: Tensor) -> None:
        self._values, self._used = values, 0

    def like(self, numbers: Any) -> Tensor:
        """Numbers as a tensor beside the noise."""
        return self._values.new_tensor(numbers)

    def take(self, count: int) -> Tensor:
        """(N, count) in [0, 1)"""
        self._used += count
        return self._values[:, self._used - count : self._used]

    def signed(self, count: int) -> Tensor:
        """(N, count) in [-1, 1)"""
        return self.take(count) * 2 - 1

    def normal(self, count: int) -> Tensor:
        """(N, count), standard normal."""
        return torch.erfinv(self.signed(count).clamp(-0.9999, 0.9999)) * 2**0.5

    def field(self, row: int, shape: torch.Size) -> Tensor:
        """Standard normal numbers of a shape, from one pair's own seed; on the CPU."""
        seed = int(self._values[row, -1].item() * 2**24)
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
