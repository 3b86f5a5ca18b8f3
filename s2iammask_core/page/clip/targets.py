"""The targets of a clip: boxes that were drawn in frames, and what was tracked from each of them on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from s2iammask_core.boxes import RotatedBox
from s2iammask_core.errors import TargetError
from s2iammask_core.geometry import HostFrame
from s2iammask_core.page.clip.records import Found
from s2iammask_core.page.pictures import Seen
from s2iammask_core.tracking.track import Track, TrackState
from s2iammask_core.tracking.tracker import Shot, Tracker, track_together


@dataclass(slots=True)
class Segment:
    """What follows from one drawn box: one track for each frame from `first` on, up to `end`."""

    first: int
    tracker: Tracker
    found: list[Found] = field(default_factory=list)
    since: list[int] = field(default_factory=list)  # by track: the frame in which it came into its state
    end: int | None = None  # the first frame that is no longer its own; None: that behind the clip's last

    @property
    def head(self) -> int:
        """The frame that is tracked next."""
        return self.first + len(self.found)

    @property
    def is_open(self) -> bool:
        return self.end is None or self.head < self.end

    def holds(self, frame: int) -> bool:
        return self.first <= frame < self.head

    def add(self, track: Track) -> None:
        known = self.found and self.found[-1].track.state is track.state
        self.since.append(self.since[-1] if known else self.head)
        self.found.append(Found.of(track))

    def cut(self, end: int) -> None:
        """Forgets what it found in that frame and behind."""
        del self.found[max(end - self.first, 0) :], self.since[max(end - self.first, 0) :]
        self.end = end

    def runs(self) -> list[tuple[int, int, str]]:
        """Frames (from, to - 1) that are in one state, in order."""
        runs, end = list[tuple[int, int, str]](), self.head
        while end > self.first:
            begin = self.since[end - 1 - self.first]
            runs.append((begin, end, self.found[begin - self.first].track.state.value))
            end = begin
        return runs[::-1]


@dataclass(slots=True)
class Target:
    number: int
    label: str
    segments: list[Segment] = field(default_factory=list)  # in order, not overlapping


class ClipTargets:
    """Each target has a tracker of its own, so one can be corrected while the others keep their results."""

    def __init__(self, tracker: Tracker, rate: float) -> None:
        """rate: frames of the clip in a second."""
        self._tracker, self._rate = tracker, rate
        self._targets: dict[int, Target] = {}
        self._next = 1

    def start(self, number: int, frame: HostFrame, box: RotatedBox, label: str = "", id_: str = "") -> str:
        """Begins in this frame, or corrects the target of that id from it on; returns the id.

        TargetError if that cannot be; then everything is as it was.
        """
        target = self._named(id_) if id_ else Target(self._next, label)
        if not id_ and len(self._targets) >= self._tracker.config.max_targets:
            raise TargetError(
                f"max_targets ({self._tracker.config.max_targets}) are tracked already; stop one first"
            )
        segment = self._segment(number, frame, box, target.number)
        self._put(target, segment)
        self._targets[target.number] = target
        self._next = max(self._next, target.number + 1)
        return str(target.number)

    def stop(self, ids: Sequence[str] | None, frame: int) -> list[str]:
        """Ends these targets, or all, before this frame; TargetError for an unknown id."""
        targets = list(self._targets.values()) if ids is None else [self._named(id_) for id_ in ids]
        for target in targets:
            target.segments = [each for each in target.segments if each.first < frame]
            if target.segments and (target.segments[-1].end is None or target.segments[-1].end > frame):
                target.segments[-1].cut(frame)
            if not target.segments:
                self._targets.pop(target.number, None)
        return [str(target.number) for target in targets]

    def is_wanted(self, frame: int) -> bool:
        """Whether a target is to be tracked in this frame, because it was in the one before."""
        return bool(self._wanting(frame))

    def track(self, number: int, frame: HostFrame) -> None:
        """Tracks the targets that want this frame."""
        wanting = self._wanting(number)
        answers = track_together([Shot(segment.tracker, frame) for segment in wanting])
        for segment, (track,) in zip(wanting, answers, strict=True):
            segment.add(track)

    def first_open(self, count: int) -> int | None:
        """The first frame of a clip of so many in which something is left to be tracked."""
        heads = [segment.head for segment in self._segments() if segment.is_open and segment.head < count]
        return min(heads, default=None)

    def seen(self, frame: int) -> list[Seen]:
        """What was found in a frame."""
        return [
            self._seen(target, segment, frame)
            for target in self._targets.values()
            for segment in target.segments
            if segment.holds(frame)
        ]

    def tracks(self, frame: int) -> list[Track]:
        """The same as the tracker's answers."""
        return [each.found[frame - each.first].whole for each in self._segments() if each.holds(frame)]

    def result(self) -> dict[int, list[Found]]:
        """All that was found, by frame."""
        found: dict[int, list[Found]] = {}
        for segment in self._segments():
            for number, each in enumerate(segment.found, start=segment.first):
                found.setdefault(number, []).append(each)
        return found

    def trails(self, frame: int, span: int) -> dict[str, list[tuple[float, float]]]:
        """By id: (seconds, confidence) of the frames up to this one, so many back."""
        frames = range(max(frame - span, 0), frame + 1)
        found: dict[str, list[tuple[float, float]]] = {}
        for target in self._targets.values():
            points = found.setdefault(str(target.number), [])
            for segment in target.segments:
                points += [
                    (each / self._rate, round(segment.found[each - segment.first].track.confidence, 3))
                    for each in frames
                    if segment.holds(each)
                ]
        return found

    def lanes(self) -> list[dict[str, object]]:
        """For each target: where it was in which state, and where boxes were drawn."""
        return [
            {
                "id": str(target.number),
                "label": target.label,
                "runs": [run for segment in target.segments for run in segment.runs()],
                "boxes": [segment.first for segment in target.segments],
            }
            for target in self._targets.values()
        ]

    def _segment(self, number: int, frame: HostFrame, box: RotatedBox, id_: int) -> Segment:
        """Its first track is what was given, with the mask that a look at the same frame shows."""
        tracker, look = self._tracker.sibling(), self._tracker.sibling()
        tracker.start(frame, [box], [id_])
        look.start(frame, [box], [id_])
        mask = look.track(frame)[0].mask
        segment = Segment(number, tracker)
        segment.add(Track(id_, TrackState.TRACKING, 1.0, 1.0, 1.0, box.box, box, mask))
        return segment

    def _put(self, target: Target, new: Segment) -> None:
        """Takes the place of what was there from its frame on, up to the next drawn box."""
        earlier = [each for each in target.segments if each.first < new.first]
        later = [each for each in target.segments if each.first > new.first]
        covering = [each for each in target.segments if each.first <= new.first and _reaches(each, new.first)]
        ends = [each.end for each in covering if each.end is not None]
        new.end = min([*ends, *(each.first for each in later)], default=None)
        if earlier and _reaches(earlier[-1], new.first):
            earlier[-1].cut(new.first)
        target.segments = [*earlier, new, *later]

    def _seen(self, target: Target, segment: Segment, frame: int) -> Seen:
        track = segment.found[frame - segment.first].whole
        age = (frame - segment.since[frame - segment.first]) / self._rate
        name = str(target.number)
        return Seen(name, target.label, track.state, age, track.confidence, track.rotated_box, track.mask)

    def _named(self, id_: str) -> Target:
        found = self._targets.get(int(id_)) if id_.isascii() and id_.isdigit() else None
        if found is None:
            raise TargetError(
                f"there is no target {id_!r}; there are {[str(each) for each in self._targets]}"
            )
        return found

    def _wanting(self, frame: int) -> list[Segment]:
        return [each for each in self._segments() if each.is_open and each.head == frame]

    def _segments(self) -> Iterator[Segment]:
        return (segment for target in self._targets.values() for segment in target.segments)


def _reaches(segment: Segment, frame: int) -> bool:
    """Whether a frame behind its first one is its own, tracked already or not."""
    return segment.end is None or segment.end > frame
