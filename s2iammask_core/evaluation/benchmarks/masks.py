"""DAVIS and YouTube-VOS: masks of all objects, propagated from their first frames."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation import davis, youtube_vos
from s2iammask_core.evaluation.protocols import Runnable, StartFrom, propagate
from s2iammask_core.evaluation.reports.pictures import Drawing, label_outlines
from s2iammask_core.evaluation.reports.record import Curve, Report, Row, Timeline
from s2iammask_core.evaluation.results.masks import read_answer, write_masks, zip_masks
from s2iammask_core.evaluation.sequences.lists import chosen
from s2iammask_core.evaluation.sequences.masks import MaskSequence, ObjectSpan
from s2iammask_core.evaluation.speed import Speed, TimedFrames, TimedTracker
from s2iammask_core.files.labels import VOID


@dataclass(frozen=True)
class MaskBenchmark:
    """A data set with label images."""

    name: str
    sequences: tuple[MaskSequence, ...]
    start_from: StartFrom = "mask"
    by_category: bool = False  # YouTube-VOS: seen and unseen apart, and a zip for submission
    objective: str = "j_and_f"
    step: int = 1  # only every step-th frame is looked at

    @property
    def protocol(self) -> str:
        whole = f"masks propagated from the first {self.start_from}"
        return whole if self.step == 1 else f"{whole}, 1 of {self.step} frames"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.sequences)

    @property
    def has_truth(self) -> bool:
        return all(each.has_truth for each in self.sequences)

    def only(self, names: Iterable[str]) -> "MaskBenchmark":
        return replace(self, sequences=chosen(self.sequences, names))

    def thinned(self, step: int) -> "MaskBenchmark":
        return replace(self, sequences=tuple(each.thinned(step) for each in self.sequences), step=step)

    def length(self, name: str) -> int:
        return len(self._sequence(name).frames)

    def digest(self, name: str) -> str:
        return self._sequence(name).digest

    def is_done(self, name: str, results: Path) -> bool:
        return (self._masks(results) / name).is_dir()

    def run(self, name: str, tracker: Runnable, results: Path) -> Speed:
        sequence = self._sequence(name)
        frames, timed = TimedFrames(sequence.frames), TimedTracker(tracker)
        answers = propagate(timed, replace(sequence, frames=frames), self.start_from)
        write_masks(self._masks(results) / name, answers)
        return Speed(frames.watch.calls, timed.watch.seconds, frames.watch.seconds)

    def finish(self, results: Path) -> None:
        """Packs the masks for a server that scores what has no public truth."""
        if self.by_category:
            zip_masks(self._masks(results), self.names, results / "submission.zip")

    def score(self, results: Path) -> Report:
        _check_truth(self.name, self.sequences)
        masks = self._masks(results)
        objects = tuple(score for each in self.sequences for score in measured_objects(each, masks))
        notes = ["the first and the last frame of each object do not count"]
        unmeasured = sum(len(each.objects) for each in self.sequences) - len(objects)
        if unmeasured:
            notes.append(f"{unmeasured} objects have no frame in between and are left out")
        figures = self._figures(objects)
        return Report(self.name, figures, _rows(objects), _curves(objects), _timelines(objects), tuple(notes))

    def drawing(self, name: str, frame: int, results: Path) -> Drawing:
        sequence = self._sequence(name)
        truth = sequence.labels(frame)
        answer = read_answer(self._masks(results), sequence, frame, truth.shape)
        known = np.where(truth == VOID, 0, truth).astype(np.uint8)
        return Drawing(sequence.frames.read(frame), label_outlines(known), label_outlines(answer))

    def _figures(self, objects: tuple[davis.ObjectScore, ...]) -> dict[str, float]:
        if not self.by_category:
            return davis_figures(davis.score(objects))
        score = youtube_vos.score(objects, _categories(self.sequences))
        return {
            "j_and_f": score.overall,
            "j_seen": score.j_seen,
            "f_seen": score.f_seen,
            "j_unseen": score.j_unseen,
            "f_unseen": score.f_unseen,
        }

    def _masks(self, results: Path) -> Path:
        return results / "Annotations" if self.by_category and results.name != "Annotations" else results

    def _sequence(self, name: str) -> MaskSequence:
        return chosen(self.sequences, [name])[0]


def davis_figures(score: davis.DavisScore) -> dict[str, float]:
    return {
        "j_and_f": score.j_and_f,
        "j_mean": score.j.mean,
        "j_recall": score.j.recall,
        "j_decay": score.j.decay,
        "f_mean": score.f.mean,
        "f_recall": score.f.recall,
        "f_decay": score.f.decay,
    }


def _check_truth(dataset: str, sequences: tuple[MaskSequence, ...]) -> None:
    unknown = [each.name for each in sequences if not each.has_truth]
    if unknown:
        raise DatasetError(
            f"{dataset}: {len(unknown)} sequences, such as {unknown[0]}, have no annotations but those that "
            "objects start with, so they cannot be scored here; send the results to the benchmark's server"
        )


def _categories(sequences: tuple[MaskSequence, ...]) -> dict[tuple[str, int], str]:
    spans = {(each.name, span.object_id): span.category for each in sequences for span in each.objects}
    for (name, object_id), category in spans.items():
        if not category:
            raise DatasetError(f"meta.json has no category for object {object_id} of sequence {name}")
    return spans


def measured_objects(sequence: MaskSequence, masks: Path) -> list[davis.ObjectScore]:
    """J and F of each object between its first and its last frame, which do not count themselves."""
    values: dict[int, list[tuple[int, float, float]]] = {each.object_id: [] for each in sequence.objects}
    for index in range(len(sequence.frames)):
        inside = [each for each in sequence.objects if each.first < index < each.last]
        if inside:
            for object_id, j, f in _measured_frame(sequence, masks, index, inside):
                values[object_id].append((index, j, f))
    return [_object_score(sequence.name, object_id, rows) for object_id, rows in values.items() if rows]


def _measured_frame(
    sequence: MaskSequence, masks: Path, index: int, objects: list[ObjectSpan]
) -> list[tuple[int, float, float]]:
    truth = sequence.labels(index)
    answer = read_answer(masks, sequence, index, truth.shape)
    return [(each.object_id, *davis.measures(truth, answer, each.object_id)) for each in objects]


def _object_score(name: str, object_id: int, rows: list[tuple[int, float, float]]) -> davis.ObjectScore:
    frames, j, f = zip(*rows, strict=True)
    return davis.ObjectScore(name, object_id, np.array(frames, np.int64), np.array(j), np.array(f))


def _rows(objects: tuple[davis.ObjectScore, ...]) -> tuple[Row, ...]:
    """One for each sequence, and below it one for each object if it has several."""
    rows = []
    for name, score in davis.by_sequence(objects).items():
        rows.append(Row(name, davis_figures(score)))
        if len(score.objects) > 1:
            rows += [_object_row(each) for each in score.objects]
    return tuple(rows)


def _object_row(score: davis.ObjectScore) -> Row:
    return Row(f"{score.sequence} #{score.object_id}", davis_figures(davis.score((score,))))


def _curves(objects: tuple[davis.ObjectScore, ...]) -> tuple[Curve, ...]:
    return tuple(
        Curve(each.sequence, "frame", "J", each.frames.astype(np.float64), each.j, f"object {each.object_id}")
        for each in objects
    )


def _timelines(objects: tuple[davis.ObjectScore, ...]) -> tuple[Timeline, ...]:
    counts = Counter(each.sequence for each in objects)
    labels = ["J" if counts[each.sequence] == 1 else f"J of object {each.object_id}" for each in objects]
    return tuple(
        Timeline(each.sequence, label, each.frames, each.j)
        for each, label in zip(objects, labels, strict=True)
    )
