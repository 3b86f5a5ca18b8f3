"""What a run tells: a progress bar, a text log, TensorBoard, and which part of it waits for which."""

import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from s2iammask_core.data.augment import Batch
from s2iammask_core.training.objectives import Outcome
from s2iammask_core.training.snapshot import Progress

PICTURES_EVERY = 500  # steps between two sets of pictures
logger = logging.getLogger(__name__)


class Clock:
    """Times of the last steps: how long the step waits for the loader, and how long it takes itself."""

    def __init__(self) -> None:
        self._waits: deque[float] = deque(maxlen=50)
        self._steps: deque[float] = deque(maxlen=50)
        self._pairs = 0

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._waits.append(time.perf_counter() - start)

    @contextlib.contextmanager
    def stepping(self, pairs: int) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._pairs = pairs
        self._steps.append(time.perf_counter() - start)

    def speed(self) -> dict[str, float]:
        """Pairs per second of the whole, and the share of the time that the step waits for the loader."""
        wait, step = sum(self._waits), sum(self._steps)
        return {
            "pairs_per_s": self._pairs * len(self._steps) / (wait + step),
            "loader_wait": wait / (wait + step),
        }


class Log:
    """Writes log.jsonl and TensorBoard files into a folder; only in the first process."""

    def __init__(self, folder: Path, first: bool, every: int) -> None:
        self._first, self._every = first, every
        self._sums: dict[str, Tensor] = {}
        self._count = 0
        self._path = folder / "log.jsonl"
        self._board = _tensorboard(folder) if first else None

    def __enter__(self) -> "Log":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._board:
            self._board.close()

    def step(
        self,
        progress: Progress,
        outcome: Outcome,
        clock: Clock,
        bar: "tqdm[Any]",
        *,
        rate: float,
        batch: Batch,
    ) -> None:
        """Counts a step; every so often says the means since the last time. That is the only host round
        trip.
        """
        bar.update()
        self._add(outcome)
        if self._board and progress.step % PICTURES_EVERY == 0:
            _show(self._board, batch, progress.step)
        if progress.step % self._every or not self._first:
            return
        means = {name: float(total) / self._count for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        line = {"step": progress.step, "rate": rate, **means, **clock.speed(), "skipped": progress.skipped}
        bar.set_postfix_str(" ".join(f"{name} {value:.3g}" for name, value in line.items() if name != "step"))
        self._write(line)

    def scores(self, epoch: int, scores: Mapping[str, float]) -> None:
        """The validation after an epoch."""
        self._write({"epoch": epoch + 1, **{f"val/{name}": value for name, value in scores.items()}})

    def _add(self, outcome: Outcome) -> None:
        parts = {"loss": outcome.loss.detach(), **outcome.parts}
        for name, value in parts.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += 1

    def _write(self, line: Mapping[str, float]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps({name: round(float(value), 6) for name, value in line.items()}) + "\n")
        if self._board:
            at = int(line.get("step", line.get("epoch", 0)))
            for name, value in line.items():
                if name not in ("step", "epoch"):
                    self._board.add_scalar(name, value, at)


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        logger.info(
            "TensorBoard is not installed (pip install s2iammask[train]); the log is %s", folder / "log.jsonl"
        )
        return None
    return SummaryWriter(str(folder))


def _show(board: Any, batch: Batch, step: int) -> None:
    """Template, search patch, and the label on it, of the first pairs."""
    count = min(4, len(batch.search))
    search = batch.search[:count].detach().cpu() / 255
    tint = torch.tensor([1.0, 0.2, 0.2])[None, :, None, None]
    mask = batch.mask[:count, None].cpu()
    labelled = torch.where(mask, search * 0.5 + tint * 0.5, search)
    board.add_images("template", batch.template[:count].detach().cpu() / 255, step)
    board.add_images("search", search, step)
    board.add_images("label", labelled, step)
