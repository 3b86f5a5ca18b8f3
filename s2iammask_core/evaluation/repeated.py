"""Tracking from several starts, forwards and backwards in time: what snapshots and settings are chosen by.

    runs = held_out_runs(read_davis(root, "2016", names), Starts(3, reverse=True), "box")
    scores = list(repeated(tracker, runs))
    print(summary(scores)["j_mean"])

Means are over the runs of a sequence, then over sequences; the standard error is that of other sequences.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.evaluation import davis, otb
from s2iammask_core.evaluation.overlap import box_overlap
from s2iammask_core.evaluation.protocols import (
    Propagated,
    Runnable,
    StartFrom,
    mask_box,
    one_pass,
    propagated,
)
from s2iammask_core.evaluation.sequences.frames import Frames
from s2iammask_core.evaluation.sequences.masks import MaskSequence
from s2iammask_core.evaluation.sequences.otb import BoxSequence
from s2iammask_core.evaluation.sequences.starts import Start, Starts, box_runs, mask_runs
from s2iammask_core.files.labels import VOID

Floats = NDArray[np.float64]

RECALLED = 0.5  # overlap above which a frame counts for a recall
RESAMPLES = 10_000
SEED = 0


@dataclass(frozen=True, slots=True)
class RunScore:
    """How one run went."""

    start: Start
    frames: int  # tracked, the first included
    figures: Mapping[str, float]  # means over frames and objects, in [0, 1]; NaN where nothing was measured


class HeldOutRun(Protocol):
    """A part of a sequence to be tracked, and what it is scored by."""

    @property
    def start(self) -> Start: ...

    @property
    def frames(self) -> Frames: ...

    def on(self, frames: Frames) -> "HeldOutRun":
        """The same with frames that come in another way."""
        ...

    @property
    def is_scored(self) -> bool:
        """Whether there is a frame to score."""
        ...

    @property
    def digest(self) -> str:
        """Changes with the frames and the truth that it comes by."""
        ...

    def thinned(self, step: int) -> "HeldOutRun":
        """The same with every step-th frame alone."""
        ...

    def measured(self, tracker: Runnable) -> RunScore:
        """Tracks with a tracker that has no targets."""
        ...


@dataclass(frozen=True, slots=True)
class MaskRun:
    """A run with masks: J, F, the recall of J, and the overlap of the upright boxes."""

    start: Start
    sequence: MaskSequence
    start_from: StartFrom

    @property
    def frames(self) -> Frames:
        return self.sequence.frames

    def on(self, frames: Frames) -> "MaskRun":
        return replace(self, sequence=replace(self.sequence, frames=frames))

    @property
    def is_scored(self) -> bool:
        return bool(self.sequence.measured)

    @property
    def digest(self) -> str:
        return self.sequence.digest

    def thinned(self, step: int) -> "MaskRun":
        return replace(self, sequence=self.sequence.thinned(step))

    def measured(self, tracker: Runnable) -> RunScore:
        """As DAVIS does, without the first and the last frame of each object."""
        spans = {each.object_id: each for each in self.sequence.objects}
        rows: dict[int, list[tuple[float, float, float]]] = {name: [] for name in spans}
        counted = self.sequence.measured
        for answer in propagated(tracker, self.sequence, self.start_from):
            if answer.index in counted:
                for name, row in self._frame(answer):
                    rows[name].append(row)
        objects = [_mask_figures(np.array(each)) for each in rows.values() if each]
        return RunScore(self.start, len(self.frames), means(objects))

    def _frame(self, answer: Propagated) -> Iterator[tuple[int, tuple[float, float, float]]]:
        """J, F and box overlap of each object inside its span."""
        truth = self.sequence.labels(answer.index)
        boxes = {track.id: track.box for track in answer.tracks}
        for each in self.sequence.objects:
            if each.first < answer.index < each.last:
                mask = truth == each.object_id
                seen = mask.any()
                iou = box_overlap(mask_box(mask), boxes[each.object_id], truth == VOID) if seen else math.nan
                yield each.object_id, (*davis.measures(truth, answer.labels, each.object_id), iou)


def _mask_figures(rows: Floats) -> dict[str, float]:
    """Of J, F and box overlap (M, 3) in the frames."""
    j, f, iou = rows.T
    means = {"j_mean": float(j.mean()), "f_mean": float(f.mean())}
    j_and_f = (means["j_mean"] + means["f_mean"]) / 2
    return {
        "j_and_f": j_and_f,
        **means,
        "j_recall": float((j > RECALLED).mean()),
        "box_iou": _mean(iou),
    }


@dataclass(frozen=True, slots=True)
class BoxRun:
    """A run with the boxes of one target."""

    start: Start
    sequence: BoxSequence

    @property
    def frames(self) -> Frames:
        return self.sequence.frames

    def on(self, frames: Frames) -> "BoxRun":
        return replace(self, sequence=replace(self.sequence, frames=frames))

    @property
    def is_scored(self) -> bool:
        return bool(otb.has_box(self.sequence.boxes)[1:].any())

    @property
    def digest(self) -> str:
        return self.sequence.digest

    def thinned(self, step: int) -> "BoxRun":
        return replace(self, sequence=self.sequence.thinned(step))

    def measured(self, tracker: Runnable) -> RunScore:
        answers = np.array(list(one_pass(tracker, self.sequence)))
        score = otb.score_sequence(self.start.run, self.sequence.boxes, answers)
        later = score.overlaps[1:][score.overlaps[1:] >= 0]
        figures = {
            "iou": score.iou,
            "iou_recall": float((later > RECALLED).mean()) if len(later) else math.nan,
            "auc": float(score.success.mean()),
            "precision": float(score.precision[otb.PRECISION_AT]),
        }
        return RunScore(self.start, len(self.frames), figures)


def held_out_runs(
    sequences: Iterable[MaskSequence], starts: Starts, start_from: StartFrom
) -> tuple[MaskRun, ...]:
    """Of sequences with masks; those without a frame to score are left out."""
    runs = (MaskRun(start, run, start_from) for each in sequences for start, run in mask_runs(each, starts))
    return tuple(run for run in runs if run.is_scored)


def held_out_boxes(sequences: Iterable[BoxSequence], starts: Starts) -> tuple[BoxRun, ...]:
    """The same of sequences with boxes."""
    runs = (BoxRun(start, run) for each in sequences for start, run in box_runs(each, starts))
    return tuple(run for run in runs if run.is_scored)


def repeated(tracker: Runnable, runs: Iterable[HeldOutRun]) -> Iterator[RunScore]:
    """Each run's score as it is done; the tracker forgets its targets before each."""
    for run in runs:
        tracker.stop()
        yield run.measured(tracker)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over sequences, or a quantile."""

    value: float
    error: float  # standard error, by bootstrap over the sequences; NaN for one alone


def summary(scores: Sequence[RunScore]) -> dict[str, Estimate]:
    """Each figure over all sequences, of at least one run."""
    rows = list(by_sequence(scores).values())
    return {name: estimate(np.array([row[name] for row in rows])) for name in rows[0]}


def gains(scores: Sequence[RunScore], others: Sequence[RunScore]) -> dict[str, Estimate]:
    """How much better the scores are than others of the same runs; much surer than two summaries."""
    ours, theirs = by_sequence(scores), by_sequence(others)
    rows = [{name: figures[name] - theirs[each][name] for name in figures} for each, figures in ours.items()]
    return {name: estimate(np.array([row[name] for row in rows])) for name in rows[0]}


def by_sequence(scores: Sequence[RunScore]) -> dict[str, dict[str, float]]:
    """Means over the runs of each sequence."""
    names = dict.fromkeys(each.start.sequence for each in scores)
    return {name: means([each.figures for each in scores if each.start.sequence == name]) for name in names}


def estimate(values: Floats) -> Estimate:
    """Of the sequences' values (S,); those that are NaN do not count."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return Estimate(_mean(values), math.nan)
    picks = np.random.default_rng(SEED).integers(len(known), size=(RESAMPLES, len(known)))
    return Estimate(float(known.mean()), float(known[picks].mean(axis=1).std()))


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each figure over rows that all have it, of at least one."""
    return {name: _mean(np.array([row[name] for row in rows])) for name in rows[0]}


def _mean(values: Floats) -> float:
    """Of what is not NaN; NaN if nothing is left."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan
