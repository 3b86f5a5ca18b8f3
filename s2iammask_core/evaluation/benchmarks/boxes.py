"""One-pass evaluation with boxes: OTB, and anybody's own folder or video."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from s2iammask_core.boxes import RotatedBox
from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation import otb
from s2iammask_core.evaluation.protocols import Runnable, one_pass
from s2iammask_core.evaluation.reports.pictures import Drawing
from s2iammask_core.evaluation.reports.record import Curve, Report, Row, Timeline
from s2iammask_core.evaluation.results.boxes import boxes_path, read_results, write_boxes
from s2iammask_core.evaluation.sequences.lists import chosen
from s2iammask_core.evaluation.sequences.otb import BoxSequence
from s2iammask_core.evaluation.sequences.regions import to_box
from s2iammask_core.evaluation.speed import Speed, TimedFrames, TimedTracker


@dataclass(frozen=True)
class BoxBenchmark:
    """Sequences with one upright box in each frame."""

    name: str
    sequences: tuple[BoxSequence, ...]
    protocol: str = "one-pass"
    objective: str = "auc"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.sequences)

    @property
    def has_truth(self) -> bool:
        return all(len(each.boxes) == len(each.frames) for each in self.sequences)

    def only(self, names: Iterable[str]) -> "BoxBenchmark":
        return replace(self, sequences=chosen(self.sequences, names))

    def thinned(self, step: int) -> "BoxBenchmark":
        thinned = tuple(each.thinned(step) for each in self.sequences)
        return replace(self, sequences=thinned, protocol=f"{self.protocol}, 1 of {step} frames")

    def length(self, name: str) -> int:
        return len(self._sequence(name).frames)

    def digest(self, name: str) -> str:
        return self._sequence(name).digest

    def is_done(self, name: str, results: Path) -> bool:
        return boxes_path(results, name).is_file()

    def run(self, name: str, tracker: Runnable, results: Path) -> Speed:
        sequence = self._sequence(name)
        frames, timed = TimedFrames(sequence.frames), TimedTracker(tracker)
        write_boxes(boxes_path(results, name), one_pass(timed, replace(sequence, frames=frames)))
        return Speed(frames.watch.calls, timed.watch.seconds, frames.watch.seconds)

    def finish(self, results: Path) -> None:
        """There is nothing more to make."""

    def score(self, results: Path) -> Report:
        for each in self.sequences:
            if len(each.boxes) != len(each.frames):
                raise DatasetError(f"sequence {each.name} has only one box: nothing to score with")
        answers = {each.name: read_results(results, each.name, len(each.boxes)) for each in self.sequences}
        return _report(self.name, otb.score({each.name: each.boxes for each in self.sequences}, answers))

    def drawing(self, name: str, frame: int, results: Path) -> Drawing:
        sequence = self._sequence(name)
        truth = to_box(sequence.boxes[frame], sequence.first_pixel)
        answer = to_box(read_results(results, name, self.length(name))[frame], sequence.first_pixel)
        outlines = [(RotatedBox.from_box(box).corners,) for box in (truth, answer)]
        return Drawing(sequence.frames.read(frame), *outlines)

    def _sequence(self, name: str) -> BoxSequence:
        return chosen(self.sequences, [name])[0]


def _report(dataset: str, score: otb.OtbScore) -> Report:
    rows = tuple(
        Row(
            each.name,
            {
                "frames": len(each.overlaps),
                "iou": each.iou,
                "auc": float(each.success.mean()),
                "precision": float(each.precision[otb.PRECISION_AT]),
            },
        )
        for each in score.sequences
    )
    thresholds, pixels = otb.OVERLAP_THRESHOLDS, otb.DISTANCE_THRESHOLDS.astype(np.float64)
    share = "share of the frames"
    success = Curve("Success", "overlap threshold", share, thresholds, score.success_curve)
    precision = Curve("Precision", "distance of the centres, pixels", share, pixels, score.precision_curve)
    notes = (
        "iou is the mean over the frames after the first, and then over the targets",
        "precision is the share of the frames whose centre is at most 20 pixels off",
    )
    figures = {"iou": score.iou, "auc": score.auc, "precision": score.precision}
    return Report(dataset, figures, rows, (success, precision), tuple(map(_timeline, score.sequences)), notes)


def _timeline(score: otb.SequenceScore) -> Timeline:
    values = np.where(score.overlaps < 0, np.nan, score.overlaps)
    return Timeline(score.name, "overlap", np.arange(len(values)), values)
