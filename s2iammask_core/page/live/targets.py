"""The targets of a camera, under the names that people gave them."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from s2iammask_core.boxes import RotatedBox
from s2iammask_core.errors import FrameError, TargetError
from s2iammask_core.page.live.recent import SECOND, Moment, thinned
from s2iammask_core.page.pictures import Seen
from s2iammask_core.tracking.track import Track, TrackState
from s2iammask_core.tracking.tracker import Tracker

CATCH_UP = 15  # frames at most that are tracked from a start in the past to now
EVENTS = 50  # that are kept
LEVELS = {TrackState.LOST: "bad", TrackState.UNCERTAIN: "unsure", TrackState.TRACKING: ""}
WORDS = {TrackState.LOST: "is lost", TrackState.UNCERTAIN: "is uncertain", TrackState.TRACKING: "is tracked"}


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a target beside the tracker."""

    label: str
    state: TrackState
    since: int  # stamp of the frame in which it came into its state


class LiveTargets:
    """One tracker for all of them. One thread at a time may use it."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._known: dict[int, Known] = {}
        self._next = 1
        self.events: deque[dict[str, object]] = deque(maxlen=EVENTS)

    @property
    def names(self) -> list[str]:
        return [str(each) for each in self._known]

    def start(self, moments: Sequence[Moment], box: RotatedBox, label: str) -> str:
        """Begins in the first of these moments and follows to the last; TargetError if that cannot be."""
        first, *later = moments
        joining = self._tracker.sibling()
        (id_,) = joining.start(first.frame, [box], [self._next])
        for moment in thinned(later, CATCH_UP):
            joining.track(moment.frame)
        self._tracker.absorb(joining)
        self._next += 1
        self._known[id_] = Known(label, TrackState.TRACKING, first.stamp)
        self._note(first.stamp, f"{self._said(id_)} starts")
        return str(id_)

    def stop(self, names: Iterable[str] | None, stamp: int) -> list[str]:
        """Forgets these targets, or all; TargetError for an unknown id, and then nothing is forgotten."""
        ids = list(self._known) if names is None else [self._named(name) for name in dict.fromkeys(names)]
        self._tracker.stop(ids)
        for id_ in ids:
            self._note(stamp, f"{self._said(id_)} is stopped")
            del self._known[id_]
        return [str(id_) for id_ in ids]

    def track(self, moment: Moment) -> list[Seen]:
        """What is seen in the next frame; frames of another size end all targets."""
        try:
            return [self._seen(track, moment) for track in self._tracker.track(moment.frame)]
        except FrameError as error:
            self.stop(None, moment.stamp)
            self._note(moment.stamp, str(error), "bad")
            return []

    def _seen(self, track: Track, moment: Moment) -> Seen:
        known = self._known[track.id]
        if known.state is not track.state:
            known = self._known[track.id] = Known(known.label, track.state, moment.stamp)
            self._note(moment.stamp, f"{self._said(track.id)} {WORDS[track.state]}", LEVELS[track.state])
        age = max(moment.stamp - known.since, 0) / SECOND
        box = track.rotated_box
        return Seen(str(track.id), known.label, track.state, age, track.confidence, box, track.mask)

    def _said(self, id_: int) -> str:
        return self._known[id_].label or str(id_)

    def _note(self, stamp: int, text: str, level: str = "") -> None:
        self.events.append({"time": stamp / SECOND, "text": text, "level": level})

    def _named(self, name: str) -> int:
        id_ = int(name) if name.isascii() and name.isdigit() else -1
        if id_ not in self._known:
            raise TargetError(f"there is no target {name!r}; there are {self.names}")
        return id_
