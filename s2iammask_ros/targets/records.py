"""What passes between the targets of a camera and the messages about them."""

from dataclasses import dataclass
from enum import IntEnum

from s2iammask_core import Track, TrackState
from s2iammask_core.tracking.start import StartTarget


class Reason(IntEnum):
    """Why a state changed; the numbers are those of TrackEvent."""

    STARTED = 1
    STOPPED = 2
    CONFIDENCE_FELL = 3
    CONFIDENCE_ROSE = 4
    LEFT_IMAGE = 5
    FOUND_BY_SEARCH = 6
    FOUND_BY_HINT = 7
    TIME_JUMPED_BACK = 8
    IMAGE_SIZE_CHANGED = 9
    DEVICE_FAILED = 10
    TOO_MANY = 11
    DEACTIVATED = 12
    CLICK_REFUSED = 13


@dataclass(frozen=True, slots=True)
class Candidate:
    """An object that a client wants tracked."""

    target: StartTarget
    id: str = ""  # empty: one is given
    label: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """Which image a client means."""

    stamp: int = 0  # nanoseconds; 0: the newest
    clicked: bool = False  # the stamp is that of a click, which is later than the image that was clicked


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a candidate: it has an id, or a reason why it was refused."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state of one target, or of all where the id is empty; None is the state "not tracked"."""

    id: str
    label: str
    before: TrackState | None
    after: TrackState | None
    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class Tracked:
    """A target in one frame. A lost one keeps the box and mask in which it was last seen."""

    id: str
    label: str
    since: int  # stamp of the frame in which it came into its state, nanoseconds
    track: Track
