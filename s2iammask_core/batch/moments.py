"""What recordings are made of, whatever their kind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from s2iammask_core.batch.plan import Part
from s2iammask_core.geometry import HostFrame
from s2iammask_core.tracking.track import Track
from s2iammask_core.tracking.tracker import Tracker


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A frame of a recording."""

    number: int  # from 0; one that cannot be read leaves its number out
    stamp: int | None  # nanoseconds, of a bag's image
    frame: HostFrame
    file: str = ""  # name of the picture, of a folder of frames

    def at(self, stamped: bool) -> int:
        """Where it is, as starts say it."""
        return self.stamp if stamped and self.stamp is not None else self.number

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)"""
        return self.frame.shape[0], self.frame.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What was found in a frame."""

    moment: Moment
    tracks: Sequence[Track]  # their ids are the places of their spans in the part


class Source(Protocol):
    """A recording that lies on this machine."""

    def count(self) -> int:
        """How many frames it promises; 0 if nobody knows before they are read."""
        ...

    def moments(self, first: int = 0) -> Iterator[Moment]:
        """The frames from that number on."""
        ...

    def follow(self, tracker: Tracker, part: Part) -> Iterator[Found]:
        """Tracks the spans of a part with a tracker that has no targets."""
        ...
