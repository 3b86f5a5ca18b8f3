"""Any data set with masks or boxes, tracked from several starts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from s2iammask_core.errors import DatasetError, ResultsError
from s2iammask_core.evaluation import repeated
from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.benchmarks.boxes import BoxBenchmark
from s2iammask_core.evaluation.benchmarks.masks import MaskBenchmark
from s2iammask_core.evaluation.protocols import Runnable
from s2iammask_core.evaluation.quantiles import Quantile, quantiles
from s2iammask_core.evaluation.repeated import HeldOutRun, RunScore
from s2iammask_core.evaluation.reports.pictures import Drawing
from s2iammask_core.evaluation.reports.record import Report, Row, RunRow
from s2iammask_core.evaluation.results.runs import read_run, run_path, write_run
from s2iammask_core.evaluation.sequences.starts import Starts
from s2iammask_core.evaluation.speed import Speed, TimedFrames, TimedTracker

NOTES = (
    "means are over the runs of a sequence, and then over the sequences",
    "the standard error is by bootstrap over the sequences",
)


@dataclass(frozen=True)
class RepeatedBenchmark:
    """Its sequences are runs, which are called by their names."""

    name: str
    runs: tuple[HeldOutRun, ...]
    protocol: str
    objective: str
    notes: tuple[str, ...]
    has_truth: bool = True
    quantiles: tuple[Quantile, ...] = ()  # beside the means, or in place of one of the same name
    lists_runs: bool = True  # where a sequence can have several

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.start.run for each in self.runs)

    def only(self, names: Iterable[str]) -> "RepeatedBenchmark":
        """With all runs of a sequence for its name."""
        sequences = {each.start.sequence for each in self.runs}
        found = [
            [each for each in self.runs if each.start.sequence == name]
            if name in sequences
            else [self._run(name)]
            for name in names
        ]
        return replace(self, runs=tuple(run for runs in found for run in runs))

    def thinned(self, step: int) -> "RepeatedBenchmark":
        thinned = tuple(each.thinned(step) for each in self.runs)
        scored = tuple(each for each in thinned if each.is_scored)
        return replace(self, runs=scored, protocol=f"{self.protocol}, 1 of {step} frames")

    def length(self, name: str) -> int:
        return len(self._run(name).frames)

    def digest(self, name: str) -> str:
        return self._run(name).digest

    def is_done(self, name: str, results: Path) -> bool:
        return run_path(results, self._run(name).start).is_file()

    def run(self, name: str, tracker: Runnable, results: Path) -> Speed:
        run = self._run(name)
        frames, timed = TimedFrames(run.frames), TimedTracker(tracker)
        write_run(results, run.on(frames).measured(timed))
        return Speed(frames.watch.calls, timed.watch.seconds, frames.watch.seconds)

    def finish(self, results: Path) -> None:
        """There is nothing more to make."""

    def score(self, results: Path) -> Report:
        scores = [read_run(results, each.start) for each in self.runs]
        found = {**repeated.summary(scores), **quantiles(scores, self.quantiles)}
        return Report(
            self.name,
            {name: each.value for name, each in found.items()},
            tuple(Row(name, figures) for name, figures in repeated.by_sequence(scores).items()),
            notes=self.notes,
            errors={name: each.error for name, each in found.items()},
            runs=tuple(_run_row(each) for each in scores) if self.lists_runs else (),
        )

    def compared(self, report: Report, results: Path, others: Path) -> Report:
        """The report with the gains on another folder's results; ResultsError if it lacks a run."""
        pairs = [(read_run(results, each.start), read_run(others, each.start)) for each in self.runs]
        for one, other in pairs:
            if one.figures.keys() != other.figures.keys() or one.frames != other.frames:
                raise ResultsError(
                    f"{run_path(others, other.start)} was scored on other frames or in other figures"
                )
        found = repeated.gains([one for one, _ in pairs], [other for _, other in pairs])
        return replace(
            report,
            gains={name: each.value for name, each in found.items()},
            gain_errors={name: each.error for name, each in found.items()},
            notes=(*report.notes, f"gains are those on the runs in {others}"),
        )

    def drawing(self, name: str, frame: int, results: Path) -> Drawing:
        raise DatasetError(f"the answers of {name} are not kept, only their scores")

    def sequence(self, name: str) -> str:
        """The sequence that a run goes through."""
        return self._run(name).start.sequence

    def _run(self, name: str) -> HeldOutRun:
        for each in self.runs:
            if each.start.run == name:
                return each
        raise DatasetError(f"there is no sequence or run {name!r}")


def _run_row(score: RunScore) -> RunRow:
    start = score.start
    return RunRow(start.sequence, start.frame, start.direction, {"frames": score.frames, **score.figures})


def from_starts(benchmark: Benchmark, starts: Starts) -> RepeatedBenchmark:
    """The benchmark's sequences from several starts; DatasetError where that cannot be."""
    if not isinstance(benchmark, MaskBenchmark | BoxBenchmark):
        raise DatasetError(
            f"{benchmark.name} has starts of its own; several of them are for data sets with masks and for "
            "boxes (a folder of VOT's sequences can be read as the data set `boxes`)"
        )
    if not benchmark.has_truth:
        raise DatasetError(f"{benchmark.name}: other starts need a truth beyond that of the first frame")
    runs = _runs(benchmark, starts)
    if not runs:
        raise DatasetError(f"{benchmark.name}: no sequence has a frame to start in and another to score")
    left_out = len(benchmark.names) - len({each.start.sequence for each in runs})
    left = (f"{left_out} sequences have nothing to score and are left out",) if left_out else ()
    return RepeatedBenchmark(
        benchmark.name, runs, f"{benchmark.protocol}, {starts}", benchmark.objective, (*NOTES, *left)
    )


def _runs(benchmark: MaskBenchmark | BoxBenchmark, starts: Starts) -> tuple[HeldOutRun, ...]:
    if isinstance(benchmark, MaskBenchmark):
        return repeated.held_out_runs(benchmark.sequences, starts, benchmark.start_from)
    return repeated.held_out_boxes(benchmark.sequences, starts)
