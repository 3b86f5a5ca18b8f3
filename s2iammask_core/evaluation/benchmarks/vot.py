"""The supervised VOT challenges."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from s2iammask_core.boxes import Points
from s2iammask_core.evaluation import vot
from s2iammask_core.evaluation.protocols import Runnable, supervised
from s2iammask_core.evaluation.reports.pictures import Drawing, Outlines
from s2iammask_core.evaluation.reports.record import Curve, Report, Row, Timeline
from s2iammask_core.evaluation.results.vot import read_trajectories, trajectory_path, write_trajectory
from s2iammask_core.evaluation.sequences.lists import chosen
from s2iammask_core.evaluation.sequences.regions import Rectangles, to_target
from s2iammask_core.evaluation.sequences.vot import VotSequence
from s2iammask_core.evaluation.speed import Speed, TimedFrames, TimedTracker

RECTANGLES = {
    Rectangles.TOOLKIT: "regions of 4 numbers cover width x height pixels, as in the vot-toolkit",
    Rectangles.PYSOT: "regions of 4 numbers cover a pixel more in both directions, as in PySOT",
}


@dataclass(frozen=True)
class VotBenchmark:
    """A VOT data set and the interval of its expected average overlap."""

    name: str
    sequences: tuple[VotSequence, ...]
    interval: tuple[int, int]
    rectangles: Rectangles = Rectangles.TOOLKIT  # how results of 4 numbers are taken
    protocol: str = "supervised"
    objective: str = "eao"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.sequences)

    @property
    def has_truth(self) -> bool:
        return True

    def only(self, names: Iterable[str]) -> "VotBenchmark":
        return replace(self, sequences=chosen(self.sequences, names))

    def thinned(self, step: int) -> "VotBenchmark":
        thinned = tuple(each.thinned(step) for each in self.sequences)
        return replace(self, sequences=thinned, protocol=f"{self.protocol}, 1 of {step} frames")

    def length(self, name: str) -> int:
        return len(self._sequence(name).truth.regions)

    def digest(self, name: str) -> str:
        return self._sequence(name).digest

    def is_done(self, name: str, results: Path) -> bool:
        return trajectory_path(results, name).is_file()

    def run(self, name: str, tracker: Runnable, results: Path) -> Speed:
        sequence = self._sequence(name)
        frames, timed = TimedFrames(sequence.frames), TimedTracker(tracker)
        write_trajectory(trajectory_path(results, name), supervised(timed, replace(sequence, frames=frames)))
        return Speed(frames.watch.calls, timed.watch.seconds, frames.watch.seconds)

    def finish(self, results: Path) -> None:
        """There is nothing more to make."""

    def score(self, results: Path) -> Report:
        runs = {each.name: _measured(each, results, self.rectangles) for each in self.sequences}
        return _report(self.name, vot.score(runs, self.interval), self.rectangles)

    def drawing(self, name: str, frame: int, results: Path) -> Drawing:
        sequence = self._sequence(name)
        run = read_trajectories(results, name, self.length(name), self.rectangles)[0]
        region, truth = run.regions[frame], sequence.truth.regions[frame]
        return Drawing(sequence.frames.read(frame), _outlines(truth), _outlines(region))

    def _sequence(self, name: str) -> VotSequence:
        return chosen(self.sequences, [name])[0]


def _outlines(region: Points) -> Outlines:
    return () if np.isnan(region).any() else (to_target(region),)


def _measured(sequence: VotSequence, results: Path, rectangles: Rectangles) -> list[vot.Measured]:
    runs = read_trajectories(results, sequence.name, len(sequence.truth.regions), rectangles)
    return [vot.Measured.of(sequence.truth, run) for run in runs]


def _report(dataset: str, score: vot.VotScore, rectangles: Rectangles) -> Report:
    low, high = score.interval
    figures = {"accuracy": score.accuracy, "robustness": score.robustness, "lost": _count(score.lost)}
    figures["eao"] = score.eao
    figures |= {f"eao_{name}": value for name, value in score.attribute_eao.items()}
    rows = tuple(
        Row(each.name, {"frames": each.frames, "accuracy": each.accuracy, "lost": _count(each.lost)})
        for each in score.sequences
    )
    lengths = np.arange(1.0, len(score.curve) + 1)
    curve = Curve("Expected average overlap", "sequence length", "overlap", lengths, score.curve)
    notes = [f"EAO is the mean over sequence lengths {low} to {high}", RECTANGLES[rectangles]]
    if len(score.curve) < high:
        notes.append(
            f"EAO covers only part of the interval: no sequence has more than {len(score.curve)} frames"
        )
    return Report(dataset, figures, rows, (curve,), tuple(map(_timeline, score.sequences)), tuple(notes))


def _count(value: float) -> float:
    """Failures; of several repetitions the mean, which need not be whole."""
    return int(value) if value.is_integer() else value


def _timeline(score: vot.SequenceScore) -> Timeline:
    """Overlaps of the first repetition; 0 where the tracker failed."""
    run = score.runs[0]
    values = np.where(run.kinds == vot.Kind.FAILED, 0.0, run.overlaps)
    return Timeline(score.name, "overlap", np.arange(len(values)), values)
