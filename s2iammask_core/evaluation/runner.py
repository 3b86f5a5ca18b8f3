"""Runs a tracker through the sequences that have no results yet, in one process or in several.

The unit of work is a sequence, and a worker's tracker has no targets when one begins, so results do not
depend on how many workers there are.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2iammask_core.errors import S2iamMaskError, UnavailableError
from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.factory import TrackerFactory
from s2iammask_core.evaluation.protocols import Runnable
from s2iammask_core.evaluation.results.record import claim, disclaim
from s2iammask_core.evaluation.speed import Speed

Progress = Callable[[str, int], None]  # gets each sequence that is done, and its frames


@dataclass(frozen=True, slots=True)
class Workers:
    """Processes to run in; they share the devices in turn."""

    count: int = 1
    devices: tuple[str, ...] = ("auto",)  # as RuntimeConfig names them

    def device(self, worker: int) -> str:
        return self.devices[worker % len(self.devices)]


@dataclass(frozen=True, slots=True)
class Run:
    """A tracker on a benchmark, and the folder of its results."""

    benchmark: Benchmark
    factory: TrackerFactory
    results: Path

    def sequence(self, name: str, tracker: Runnable) -> None:
        """Runs one sequence; an error names it."""
        tracker.stop()
        try:
            speed = self.benchmark.run(name, tracker, self.results)
        except S2iamMaskError as error:
            raise type(error)(f"sequence {name}: {error}") from error
        speed.write(speed_path(self.results, name))


def speed_path(results: Path, name: str) -> Path:
    return results / "speed" / f"{name}.json"


def total_speed(benchmark: Benchmark, results: Path) -> Speed:
    """Of all sequences together."""
    return Speed.total(speed_path(results, name) for name in benchmark.names)


def run(task: Run, workers: Workers, progress: Progress) -> None:
    """Completes the results.

    ResultsError if the folder holds results of other settings: one table must come from one tracker.
    """
    settings = {"dataset": task.benchmark.name, "protocol": task.benchmark.protocol}
    is_new = claim(task.results, {**settings, **task.factory.describe()})
    try:
        _complete(task, workers, progress)
    except S2iamMaskError:
        if is_new and not any(task.benchmark.is_done(name, task.results) for name in task.benchmark.names):
            disclaim(task.results)  # so that it can be tried again with what the error asks for
        raise
    task.benchmark.finish(task.results)


def _complete(task: Run, workers: Workers, progress: Progress) -> None:
    names = task.benchmark.names
    for name in names:
        if task.benchmark.is_done(name, task.results):
            progress(name, task.benchmark.length(name))
    pending = [name for name in names if not task.benchmark.is_done(name, task.results)]
    for name in _completed(task, pending, workers):
        progress(name, task.benchmark.length(name))


def _completed(task: Run, names: list[str], workers: Workers) -> Iterator[str]:
    """Runs the sequences, and gives the name of each as it is done."""
    count = min(workers.count, len(names))
    if count <= 1:
        tracker = task.factory.make(workers.device(0)) if names else None
        for name in names:
            if tracker is not None:
                task.sequence(name, tracker)
            yield name
        return
    longest_first = sorted(names, key=task.benchmark.length, reverse=True)
    yield from _in_processes(task, longest_first, count, workers)


def _in_processes(task: Run, names: list[str], count: int, workers: Workers) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    devices = context.SimpleQueue()
    for worker in range(count):
        devices.put(workers.device(worker))
    with ProcessPoolExecutor(count, context, _begin, (task, devices)) as pool:
        futures = {pool.submit(_run_sequence, name): name for name in names}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        except BrokenProcessPool as error:
            raise UnavailableError("a worker process ended by itself, perhaps for want of memory") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(slots=True)
class _Worker:
    """What a worker process keeps between sequences."""

    task: Run
    device: str
    tracker: Runnable | None = None  # until the first sequence: what goes wrong there is told as it is


_worker: list[_Worker] = []  # one item in a worker process, none elsewhere


def _begin(task: Run, devices: Any) -> None:
    _worker.append(_Worker(task, devices.get()))


def _run_sequence(name: str) -> None:
    (worker,) = _worker
    worker.tracker = worker.tracker or worker.task.factory.make(worker.device)
    worker.task.sequence(name, worker.tracker)
