"""The targets of one camera under the names that clients know, and the changes of their states."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from s2iammask_core import Track, Tracker, TrackState
from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.errors import FrameError, TargetError
from s2iammask_core.geometry import Frame
from s2iammask_core.tracking.start import checked_start
from s2iammask_ros.targets.records import Candidate, Change, Reason, Tracked, Verdict

LONGEST_NAME = 256  # characters of an id or a label
NEAR_EDGE = 3.0  # pixels
SMALLEST_BOX = 4.0  # pixels
SAME_ASPECT = 0.02  # relative difference of width / height that still counts as a mere change of scale


@dataclass(frozen=True, slots=True)
class Target:
    """What is known of a target beside what the tracker remembers."""

    name: str
    label: str
    state: TrackState
    since: int  # nanoseconds
    box: Box  # where it was last seen
    seen: Track | None = None  # the last answer that saw it


class Targets:
    """Starts, follows and stops targets by name. Changes of state pile up until `changes` takes them."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker  # its ids are the keys of known
        self.known: dict[int, Target] = {}
        self._changes: list[Change] = []
        self._next = 1

    def changes(self) -> list[Change]:
        """What changed since the last call, in order."""
        taken, self._changes = self._changes, []
        return taken

    def note(self, reason: Reason, text: str) -> None:
        """Adds a change that concerns all targets at once."""
        self._changes.append(Change("", "", None, None, reason, text))

    def start(
        self, candidates: Sequence[Candidate], frame: Frame, stamp: int, later: Iterable[Frame] = ()
    ) -> list[Verdict]:
        """Starts each candidate that can be tracked on the frame, and follows them over the later frames.

        Raises FrameError or TargetError, and starts nothing, if the frames do not fit those tracked already.
        """
        size, here = self.tracker.frame_size, tuple(frame.shape[:2])
        if size not in (None, here):
            raise FrameError(f"that image has {here} rows and columns, those tracked now have {size}")
        begun, added = self.tracker.sibling(), dict[int, Target]()
        verdicts = [self._begin(begun, added, candidate, frame, stamp) for candidate in candidates]
        for each in later:
            begun.track(each)
        self.tracker.absorb(begun)
        self.known |= added
        self._changes += [_begun(target) for target in added.values()]
        return verdicts

    def follow(self, tracks: Sequence[Track], stamp: int, size: tuple[int, int]) -> list[Tracked]:
        """Takes over what the tracker answered for a frame (H, W)."""
        return [self._follow(track, stamp, size) for track in tracks]

    def stop(
        self, names: Sequence[str], reason: Reason = Reason.STOPPED, text: str = "a client asked"
    ) -> list[str]:
        """Stops these targets, or all if none is named; TargetError, and no stop, if one is unknown."""
        numbers = {target.name: number for number, target in self.known.items()}
        if unknown := [name for name in names if name not in numbers]:
            raise TargetError(f"unknown ids {unknown[:16]}; tracked are {sorted(numbers)}")
        gone = [numbers[name] for name in dict.fromkeys(names)] or list(self.known)
        self.tracker.stop(gone)
        stopped = [self.known.pop(number) for number in gone]
        self._changes += [_stopped(target, reason, text) for target in stopped]
        return [target.name for target in stopped]

    def restart(self, tracker: Tracker, frame: Frame, reason: Reason, text: str, scale: float = 1.0) -> None:
        """Goes on in another tracker, from the last boxes times scale; what is lost or does not fit stops."""
        resumed = {
            number: _resumed(tracker, frame, number, target, scale) for number, target in self.known.items()
        }
        kept = {number: target for number, target in resumed.items() if target is not None}
        gone = {number: target for number, target in self.known.items() if number not in kept}
        self.tracker, self.known = tracker, kept
        self.note(reason, text)
        self._changes += [_stopped(target, reason, text) for target in gone.values()]

    def resize(self, frame: Frame, rescale: bool) -> None:
        """Takes the targets over into a frame of another size, if they may be scaled to it, or stops them."""
        known, here = self.tracker.frame_size, (frame.shape[0], frame.shape[1])
        if known is None:
            return
        text = f"the images changed from {known[1]} x {known[0]} to {here[1]} x {here[0]} pixels"
        if rescale and abs(_aspect(known) / _aspect(here) - 1) < SAME_ASPECT:
            scale = here[0] / known[0]
            self.restart(self.tracker.sibling(), frame, Reason.IMAGE_SIZE_CHANGED, text, scale)
        else:
            self.stop([], Reason.IMAGE_SIZE_CHANGED, text)

    def drop_half(self) -> None:
        """Stops the younger half, as the device's memory is full; the last one stays."""
        names = [target.name for target in self.known.values()]
        if len(names) > 1:
            text = "the device's memory is full"
            self.stop(names[(len(names) + 1) // 2 :], Reason.TOO_MANY, text)

    def _begin(
        self, begun: Tracker, added: dict[int, Target], candidate: Candidate, frame: Frame, stamp: int
    ) -> Verdict:
        known = self.known | added
        try:
            name = self._name(candidate, {target.name for target in known.values()})
            if len(known) >= self.tracker.config.max_targets:
                raise TargetError(f"max_targets ({self.tracker.config.max_targets}) are tracked already")
            if isinstance(candidate.target, RotatedBox):
                _check_size(candidate.target)
            box = checked_start(candidate.target, (frame.shape[0], frame.shape[1])).box
            (number,) = begun.start(frame, [candidate.target], ids=[self._next])
        except TargetError as error:
            return Verdict("", str(error))
        self._next += 1
        added[number] = Target(name, candidate.label, TrackState.TRACKING, stamp, box)
        return Verdict(name, "")

    def _name(self, candidate: Candidate, taken: set[str]) -> str:
        if max(len(candidate.id), len(candidate.label)) > LONGEST_NAME:
            raise TargetError(f"ids and labels have at most {LONGEST_NAME} characters")
        if candidate.id in taken:
            raise TargetError(f"the id {candidate.id!r} is taken; stop that target first or use another id")
        while not candidate.id and str(self._next) in taken:
            self._next += 1
        return candidate.id or str(self._next)

    def _follow(self, track: Track, stamp: int, size: tuple[int, int]) -> Tracked:
        target = self.known[track.id]
        if track.state is not target.state:
            self._changes.append(_changed(target, track, size))
            target = replace(target, state=track.state, since=stamp)
        if track.state is not TrackState.LOST and track.confidence >= self.tracker.config.lost_below:
            target = replace(target, seen=track, box=track.box)
        self.known[track.id] = target
        return Tracked(target.name, target.label, target.since, _as_seen(track, target.seen))


def _aspect(size: tuple[int, int]) -> float:
    return size[1] / size[0]


def _check_size(box: RotatedBox) -> None:
    shorter = min(box.width, box.height)
    if shorter <= 0:
        raise TargetError("size_x and size_y of a box must be positive")
    if shorter < SMALLEST_BOX:
        raise TargetError(
            f"a box of {box.width:.3g} x {box.height:.3g} pixels is too small to know the object by; "
            f"its shorter side must have {SMALLEST_BOX:g} or more"
        )


def _begun(target: Target) -> Change:
    text = f"{target.name} is tracked"
    return Change(target.name, target.label, None, target.state, Reason.STARTED, text)


def _stopped(target: Target, reason: Reason, text: str) -> Change:
    return Change(target.name, target.label, target.state, None, reason, f"{target.name} is stopped: {text}")


def _resumed(tracker: Tracker, frame: Frame, number: int, target: Target, scale: float) -> Target | None:
    """The target, started again where it was, without answers from other frames; None if that cannot be."""
    if target.state is TrackState.LOST:
        return None
    box = Box(*(scale * side for side in (target.box.x1, target.box.y1, target.box.x2, target.box.y2)))
    try:
        tracker.start(frame, [box], ids=[number])
    except TargetError:
        return None
    return replace(target, box=box, seen=None)


def _changed(target: Target, track: Track, size: tuple[int, int]) -> Change:
    reason = _reason(target, track, size)
    text = f"{target.name} is {track.state.value}, confidence {track.confidence:.2f}"
    return Change(target.name, target.label, target.state, track.state, reason, text)


def _reason(target: Target, track: Track, size: tuple[int, int]) -> Reason:
    if track.state is TrackState.LOST:
        at_edge = target.seen is not None and _touches_edge(target.seen, size)
        return Reason.LEFT_IMAGE if at_edge else Reason.CONFIDENCE_FELL
    if target.state is TrackState.LOST:
        return Reason.FOUND_BY_HINT if track.hinted else Reason.FOUND_BY_SEARCH
    return Reason.CONFIDENCE_ROSE if track.state is TrackState.TRACKING else Reason.CONFIDENCE_FELL


def _touches_edge(track: Track, size: tuple[int, int]) -> bool:
    height, width = size
    box = track.box
    low, high = min(box.x1, box.y1), min(width - box.x2, height - box.y2)
    return min(low, high) < NEAR_EDGE


def _as_seen(track: Track, seen: Track | None) -> Track:
    """A lost target's figures are those of now, its place is the last one that was seen."""
    if track.state is not TrackState.LOST or seen is None:
        return track
    return replace(track, box=seen.box, rotated_box=seen.rotated_box, mask=seen.mask)
