"""Snapshots of a run: all that is needed to go on as if nothing had happened."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from s2iammask_core.errors import WeightsError

LAST = "last.pt"


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0  # steps done; the position in the list of pairs follows from it
    skipped: int = 0  # of these, steps whose loss was not finite or too large
    best: float = -1.0  # best score of the validation so far


def write(path: Path, state: dict[str, Any]) -> None:
    """Writes a snapshot so that a kill leaves either the old one or the new one."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def read(path: Path | str) -> dict[str, Any]:
    """A snapshot; WeightsError if it cannot be read. No code in it is run."""
    try:
        state = torch.load(str(path), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the broken byte leads to
        raise WeightsError(f"cannot read a snapshot from {path}: {error}") from error
    if not isinstance(state, dict) or "network" not in state:
        raise WeightsError(f"{path} is not a snapshot of this package")
    return state


def random_state() -> dict[str, Any]:
    """The state of all random generators that a step might use."""
    name, keys, position, has_gauss, cached = np.random.get_state()
    numpy_state = [name, torch.from_numpy(np.asarray(keys, np.int64)), position, has_gauss, cached]
    python = random.getstate()
    state: dict[str, Any] = {"torch": torch.get_rng_state(), "numpy": numpy_state, "python": list(python[1])}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_random_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    random.setstate((3, tuple(state["python"]), None))
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"][: torch.cuda.device_count()])


class MovingAverage:
    """An exponential moving average of a network's floating-point state; at first, the mean of what there was
    since a training began, or what it began with would count for long.
    """

    def __init__(self, state: dict[str, Tensor], decay: float) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in state.items()}

    def update(self, state: dict[str, Tensor], step: int) -> None:
        """Takes the state after so many steps. One kernel or few for all tensors: on a GPU hundreds of small
        ones take longer than a step.
        """
        floats = [name for name, value in state.items() if value.is_floating_point()]
        own, new = [self.state[name] for name in floats], [state[name].detach() for name in floats]
        torch._foreach_lerp_(own, new, 1 - min(self.decay, step / (1 + step)))
        for name in state.keys() - floats:
            self.state[name].copy_(state[name])
