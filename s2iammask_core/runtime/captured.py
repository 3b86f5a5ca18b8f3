"""A step that is captured once and then replayed: where its inputs and its answer lie."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2iammask_core.config import TrackerConfig
from s2iammask_core.runtime.capture import Capture, Work
from s2iammask_core.tracking import aim
from s2iammask_core.tracking.arrays import joined
from s2iammask_core.tracking.eager import packed_aims
from s2iammask_core.tracking.network import Network
from s2iammask_core.tracking.runner import Search
from s2iammask_core.tracking.settings import LIVE, StepSettings
from s2iammask_core.tracking.step import packed, patches_in, step

FRAME = 3  # int32 values that say which frame a window is cut from
ROW = aim.COLUMNS + FRAME  # of a window, 4 bytes each

StepWork: TypeAlias = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def step_work(network: Network, settings: StepSettings) -> StepWork:
    """The whole step as a function of tensors alone: (pixels, kernels, windows, live settings) to packed
    answers (N, bytes).

    pixels (M, 3) are those of a frame store; windows (N, ROW) are packed aims and, as the bits of int32,
    their frames; live settings (len(LIVE),) are in the order of LIVE. The others of `settings` make shapes.
    """

    def work(pixels: Tensor, kernels: Tensor, windows: Tensor, live: Tensor) -> Tensor:
        values: dict[str, Any] = dict(zip(LIVE, live.unbind(), strict=True))
        now = replace(settings, **values)
        aims, frames = windows[:, : aim.COLUMNS], windows[:, aim.COLUMNS :].view(torch.int32)
        patches = patches_in(pixels, frames, now, aims)
        return packed(step(network, now, patches, kernels, aims))

    return work


@dataclass(frozen=True, slots=True)
class Batch:
    """What is searched in one step, or in several: N windows."""

    kernels: tuple[Tensor, ...]  # N rows together; the very same tensors while the targets stay the same
    aims: NDArray[np.float32]  # (N, 14)
    frames: NDArray[np.int64]  # (N, FRAME)

    @classmethod
    def of(cls, searches: Sequence[Search], frames: NDArray[np.int64]) -> "Batch":
        return cls(tuple(search.kernels for search in searches), packed_aims(searches), frames)

    def parts(self, most: int) -> "list[Batch]":
        """Batches of so many windows, and one of the rest."""
        if len(self.frames) <= most:
            return [self]
        kernels: tuple[Tensor, ...] = joined(self.kernels).split(most)
        first = range(0, len(self.frames), most)
        return [
            Batch((rows,), self.aims[k : k + most], self.frames[k : k + most])
            for k, rows in zip(first, kernels, strict=True)
        ]


class CapturedStep:
    """Serves up to a number of windows; those that are missing repeat the last one."""

    def __init__(self, work: StepWork, pixels: Tensor, like: Tensor, count: int) -> None:
        """The work reads these pixels wherever they change; kernels are `like` those given, (N, ...)."""
        self.pixels, self._work, self._count = pixels, work, count
        self._on_gpu = pixels.device.type == "cuda"
        self._kernels = like.new_empty(count, *like.shape[1:])
        self._held: tuple[Tensor, ...] = ()  # the kernels that are there now; changed ones are other tensors
        self._inputs = torch.zeros(len(LIVE) + count * ROW, device=pixels.device)
        self._staged = torch.zeros(self._inputs.shape, pin_memory=self._on_gpu)
        self._replay: Work | None = None
        self._answer = torch.empty(0)

    def load(self, config: TrackerConfig, batch: Batch) -> None:
        """Puts what is to be searched where the work reads it."""
        live, windows = self._parts(self._staged)
        live[:] = torch.tensor([getattr(config, name) for name in LIVE])
        rows, count = windows.numpy(), len(batch.frames)
        rows[:count, : aim.COLUMNS] = batch.aims
        rows[:count, aim.COLUMNS :] = batch.frames.astype(np.int32).view(np.float32)
        rows[count:] = rows[count - 1]
        self._inputs.copy_(self._staged, non_blocking=True)
        if [*map(id, self._held)] != [*map(id, batch.kernels)]:
            self._kernels.copy_(filled_up(joined(batch.kernels), self._count))
            self._held = batch.kernels

    def capture(self, capture: Capture) -> None:
        """Records the work, on inputs that were loaded before."""
        live, windows = self._parts(self._inputs)
        self._replay = capture(lambda: self._work(self.pixels, self._kernels, windows, live))

    def answers(self, count: int) -> NDArray[np.uint8]:
        """Packed answers (N, bytes) of the first windows that were loaded; the next call overwrites them."""
        assert self._replay is not None
        found = self._replay()
        if self._answer.shape != found.shape:
            self._answer = torch.empty(found.shape, dtype=found.dtype, pin_memory=self._on_gpu)
        self._answer.copy_(found, non_blocking=True)
        if self._on_gpu:
            torch.cuda.current_stream(found.device).synchronize()
        return self._answer[:count].numpy()

    def _parts(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Live settings (len(LIVE),) and windows (N, ROW), views."""
        return inputs[: len(LIVE)], inputs[len(LIVE) :].view(self._count, ROW)


def filled_up(rows: Tensor, count: int) -> Tensor:
    """(count, ...): the rows, and the last of them again as often as are missing."""
    missing = count - len(rows)
    return torch.cat([rows, rows[-1:].expand(missing, *rows.shape[1:])]) if missing else rows
