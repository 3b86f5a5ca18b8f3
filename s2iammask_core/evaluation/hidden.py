"""Objects that are away for a while: does the tracker know it, and find them when they are back?

    runs = hidden_runs(held_out_runs(sequences, Starts(3), "box"), seconds=3)
    scores = list(repeated(tracker, runs))
    print(summary(scores)["recovered"])

In the middle of each run, at 30 frames a second, the picture cuts to another sequence; or it stands still,
and a piece of the other sequence stands in front of the objects.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from s2iammask_core.boxes import Box
from s2iammask_core.errors import ConfigError, DatasetError
from s2iammask_core.evaluation import davis
from s2iammask_core.evaluation.overlap import box_overlap
from s2iammask_core.evaluation.protocols import Propagated, Runnable, StartFrom, mask_box, propagated
from s2iammask_core.evaluation.quantiles import Quantile
from s2iammask_core.evaluation.repeated import MaskRun, RunScore, means
from s2iammask_core.evaluation.sequences.cuts import Part, cut_away
from s2iammask_core.evaluation.sequences.frames import Frames
from s2iammask_core.evaluation.sequences.masks import MaskSequence, ObjectSpan
from s2iammask_core.evaluation.sequences.starts import Start
from s2iammask_core.files.labels import VOID
from s2iammask_core.tracking.track import Track, TrackState

RATE = 30  # frames a second
WITHIN = 1.0  # seconds in which an object that is back should be found
FOUND = 0.5  # overlap of the boxes
MARGIN = 0.2  # of an object's sides, that an occluder stands out on each
HideBy = Literal["cut", "occluder"]
MEDIANS = (Quantile("frames_to_recover", "frames_to_recover", 0.5),)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is said of an object that is back."""

    number: int  # of the frame, 1 for the first after the return
    visible: bool
    found: bool  # not LOST, and the boxes overlap
    j: float


@dataclass(frozen=True, slots=True)
class HiddenRun:
    """A run with a cut."""

    start: Start
    sequence: MaskSequence  # with the cut in it
    start_from: StartFrom
    away: range  # its frames
    within: int  # frames in which an object should be found

    @property
    def frames(self) -> Frames:
        return self.sequence.frames

    def on(self, frames: Frames) -> "HiddenRun":
        return replace(self, sequence=replace(self.sequence, frames=frames))

    @property
    def is_scored(self) -> bool:
        return any(
            self.away.stop <= index < each.last
            for each in self._hidden
            for index in self.sequence.annotations
        )

    @property
    def digest(self) -> str:
        return self.sequence.digest

    def thinned(self, step: int) -> "HiddenRun":
        kept = self.sequence.kept(step)
        away = range(bisect_left(kept, self.away.start), bisect_left(kept, self.away.stop))
        within = math.ceil(self.within / step)
        return replace(self, sequence=self.sequence.thinned(step), away=away, within=within)

    @property
    def _hidden(self) -> tuple[ObjectSpan, ...]:
        """The objects that are there before the cut and after it."""
        objects = self.sequence.objects
        return tuple(each for each in objects if each.first < self.away.start and each.last > self.away.stop)

    def measured(self, tracker: Runnable) -> RunScore:
        """Of all objects that are hidden; without their last frame, as DAVIS does."""
        away: dict[int, list[bool]] = {each.object_id: [] for each in self._hidden}
        back: dict[int, list[Seen]] = {name: [] for name in away}
        for answer in propagated(tracker, self.sequence, self.start_from):
            tracks = {track.id: track for track in answer.tracks}
            if answer.index in self.away:
                for name, states in away.items():
                    states.append(tracks[name].state is not TrackState.LOST)
            elif answer.index in self.sequence.annotations and answer.index >= self.away.stop:
                for name, seen in self._seen(answer, tracks):
                    back[name].append(seen)
        rows = [self._figures(away[name], back[name]) for name in away if back[name]]
        return RunScore(self.start, len(self.frames), means(rows))

    def _seen(self, answer: Propagated, tracks: dict[int, Track]) -> Iterator[tuple[int, Seen]]:
        truth = self.sequence.labels(answer.index)
        for name in (each.object_id for each in self._hidden if answer.index < each.last):
            mask, track = truth == name, tracks[name]
            visible = bool(mask.any())
            near = visible and box_overlap(mask_box(mask), track.box, truth == VOID) >= FOUND
            j = davis.region_similarity(mask, davis.outside_void(answer.labels == name, truth))
            found = near and track.state is not TrackState.LOST
            yield name, Seen(answer.index - self.away.stop + 1, visible, found, j)

    def _figures(self, away: list[bool], back: list[Seen]) -> dict[str, float]:
        soon = [each for each in back if each.number <= self.within]
        took = next((float(each.number) for each in soon if each.found), math.nan)
        could = any(each.visible for each in soon)
        return {
            "recovered": float(not math.isnan(took)) if could else math.nan,
            "frames_to_recover": took,
            "false_finds": float(np.mean(away)),
            "j_after": float(np.mean([each.j for each in back])),
        }


def hidden_runs(runs: Sequence[MaskRun], seconds: float, by: HideBy = "cut") -> tuple[HiddenRun, ...]:
    """Each with objects away in its middle, by what the sequence that comes next shows; those in which
    nothing comes back are left out.
    """
    if not (math.isfinite(seconds) and seconds * RATE >= 1):
        raise ConfigError(
            f"objects can be hidden for a frame, {1 / RATE:.3f} seconds, or more, not {seconds}"
        )
    frames = {each.start.sequence: each.frames for each in reversed(runs)}
    names = list(dict.fromkeys(each.start.sequence for each in runs))
    if len(names) < 2:
        raise DatasetError("to hide an object, the picture cuts to another sequence: choose two or more")
    following = dict(zip(names, [*names[1:], names[0]], strict=True))
    hidden = (_hidden(run, frames[following[run.start.sequence]], round(seconds * RATE), by) for run in runs)
    return tuple(run for run in hidden if run.is_scored)


def _hidden(run: MaskRun, others: Frames, count: int, by: HideBy) -> HiddenRun:
    middle = len(run.frames) // 2
    away = range(middle, middle + count)
    covered = _places(run.sequence, middle - 1) if by == "occluder" else None
    sequence = cut_away(run.sequence, others, away, covered)
    return HiddenRun(run.start, sequence, run.start_from, away, round(WITHIN * RATE))


def _places(sequence: MaskSequence, index: int) -> tuple[Part, ...]:
    """What has to be covered to hide the objects as they were last annotated up to a frame."""
    last = max((each for each in sequence.annotations if each <= index), default=None)
    if last is None:
        return ()
    labels = sequence.labels(last)
    boxes = [mask_box(labels == name) for name in np.unique(labels[(labels > 0) & (labels != VOID)])]
    return tuple(_grown(box, labels.shape) for box in boxes)


def _grown(box: Box, size: tuple[int, ...]) -> Part:
    dx, dy = MARGIN * box.width, MARGIN * box.height
    rows = slice(max(int(box.y1 - dy), 0), min(math.ceil(box.y2 + dy), size[0]))
    return rows, slice(max(int(box.x1 - dx), 0), min(math.ceil(box.x2 + dx), size[1]))
