"""Arrays of either kind: NumPy's, and PyTorch's, which exist only where PyTorch is in play."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Rows = TypeVar("Rows")


def is_tensor(value: object) -> "TypeGuard[Tensor]":
    """Whether it is PyTorch's; where PyTorch was never imported, nothing is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def host_floats(values: "NDArray[Any] | Tensor") -> NDArray[np.float64]:
    """The values in host memory; waits for the device."""
    array = values if isinstance(values, np.ndarray) else values.float().cpu().numpy()
    return array.astype(np.float64)


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of arrays of one kind in one array; a single part itself."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], np.ndarray):
        return cast(Rows, np.concatenate(cast(Any, parts)))
    import torch

    return cast(Rows, torch.cat(list(cast(Any, parts))))
