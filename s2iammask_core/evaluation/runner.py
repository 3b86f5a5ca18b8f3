"""Runs a tracker through the sequences that have no results yet, in one process or in several.

The unit of work is a sequence, and a worker's tracker has no targets when one begins, so results do not
depend on how many workers there are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from s2iammask_core.errors import S2iamMaskError, UnavailableError
from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.factory import TrackerFactory
from s2iammask_core.evaluation.protocols import Runnable
from s2iammask_core.evaluation.results.record import claim, claim_data, disclaim
from s2iammask_core.evaluation.speed import Speed
from s2iammask_core.spread import Failed, Tick, Workers, session, spread

Progress = Callable[[str, int], None]  # gets each sequence that is done, and its frames


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

    ResultsError if the folder holds results of other settings or of other data: one table must come from one
    tracker, and from what is there now.
    """
    settings = {"dataset": task.benchmark.name, "protocol": task.benchmark.protocol}
    is_new = claim(task.results, {**settings, **task.factory.describe()})
    names = task.benchmark.names
    done = [name for name in names if task.benchmark.is_done(name, task.results)]
    claim_data(task.results, {name: task.benchmark.digest(name) for name in names}, done)
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
    """Runs the sequences, and gives the name of each as it is done; several workers take long ones first."""
    if not names:
        return
    order = sorted(names, key=task.benchmark.length, reverse=True) if workers.count else names
    with session(workers):
        for outcome in spread(SequenceWork(task), order, workers):
            if isinstance(outcome, Failed):
                raise named(outcome)
            yield outcome.item


@dataclass(frozen=True, slots=True)
class SequenceWork:
    """The recipe of a worker that runs sequences by name."""

    task: Run

    def __call__(self) -> Callable[[str, Tick], None]:
        tracker = self.task.factory.make()
        return lambda name, _: self.task.sequence(name, tracker)


def named(failed: Failed[str]) -> S2iamMaskError:
    """Why a sequence came to nothing."""
    if isinstance(failed.error, S2iamMaskError) and str(failed.error).startswith("sequence "):
        return failed.error
    return UnavailableError(f"sequence {failed.item}: {failed.error}")
