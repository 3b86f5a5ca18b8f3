"""What a run tells: a progress bar, a text log, TensorBoard, and which part of it waits for which."""

import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import Tensor
from tqdm import tqdm

from s2iammask_core.training.objectives import Outcome
from s2iammask_core.training.snapshot import Progress

LOG = "log.jsonl"  # in the output folder; a line for every so many steps
PICTURES_EVERY = 500  # steps between two sets of pictures within an epoch
KEEPS_UP = 0.05  # share of the time that steps may wait before the loader is called too slow
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Speed:
    """Pairs per second over the last steps; a pair is two images."""

    run: float  # of loader and steps together
    loader: float  # what the loading processes would manage if nothing held them up
    step: float  # what the steps would manage if they never waited
    waits: float  # share of the time that steps wait for the loader, in [0, 1]

    def __str__(self) -> str:
        waiting = "the step waits" if self.waits > KEEPS_UP else "the loader waits"
        return f"{self.run:.3g} pairs/s (loader {self.loader:.3g}, step {self.step:.3g}: {waiting})"

    def figures(self) -> dict[str, float]:
        """By the names of the log."""
        return {
            "pairs_per_s": self.run,
            "loader_pairs_per_s": self.loader,
            "step_pairs_per_s": self.step,
            "waits_for_loader": self.waits,
        }


class Clock:
    """Times of the last steps: how long the step waits for the loader, and how long both take themselves.

    Args:
        pairs: in a batch, over all processes of the run.
        loaders: processes that load for each of these; 0 if it loads by itself, between its steps.
    """

    def __init__(self, pairs: int, loaders: int) -> None:
        self._pairs, self._loaders = pairs, max(loaders, 1)
        self._waits: deque[float] = deque(maxlen=50)
        self._steps: deque[float] = deque(maxlen=50)
        self._loads: deque[float] = deque(maxlen=50)

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._waits.append(time.perf_counter() - start)

    @contextlib.contextmanager
    def stepping(self, loading: float) -> Iterator[None]:
        """Times a step on a batch that one process loaded in so many seconds."""
        start = time.perf_counter()
        yield
        self._steps.append(time.perf_counter() - start)
        self._loads.append(loading)

    def speed(self) -> Speed:
        wait, step, load = sum(self._waits), sum(self._steps), sum(self._loads)
        pairs = self._pairs * len(self._steps)
        return Speed(
            run=pairs / (wait + step),
            loader=pairs * self._loaders / load,
            step=pairs / step,
            waits=wait / (wait + step),
        )


class Log:
    """Writes log.jsonl and TensorBoard files into a folder; only in the first process."""

    def __init__(self, folder: Path, first: bool, every: int) -> None:
        self._first, self._every = first, every
        self._sums: dict[str, Tensor] = {}
        self._count = 0
        self._path = folder / LOG
        self._board: Any = _tensorboard(folder) if first else None

    def __enter__(self) -> "Log":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._board:
            self._board.close()

    def step(
        self, progress: Progress, outcome: Outcome, clock: Clock, bar: "tqdm[Any]", *, rate: float
    ) -> None:
        """Counts a step; every so often says the means since the last time. That is the only host round
        trip.
        """
        bar.update()
        self._add(outcome)
        if progress.step % self._every or not self._first:
            return
        means = {name: float(total) / self._count for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        speed, said = clock.speed(), {"rate": rate, **means, "skipped": progress.skipped}
        shown = " ".join(f"{name} {value:.3g}" for name, value in said.items())
        bar.set_postfix_str(f"{shown} {speed}")
        self._write({"step": progress.step, **said, **speed.figures()})

    def wants_pictures(self, step: int, last: int) -> bool:
        """Whether pictures belong to a step, of an epoch whose last step is given."""
        return self._board is not None and (step % PICTURES_EVERY == 0 or step == last)

    def show(self, pictures: Mapping[str, Tensor], step: int) -> None:
        """Pictures (N, 3, H, W) uint8, by name."""
        for name, images in pictures.items():
            self._board.add_images(name, images, step)

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
        logger.info("TensorBoard is not installed (pip install tensorboard); the log is %s", folder / LOG)
        return None
    return SummaryWriter(str(folder))
