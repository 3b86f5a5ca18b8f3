"""What readers of many frames have in common: numbers, and what is told when frames are missing."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from s2iammask_core.errors import IncompleteError, VideoError
from s2iammask_core.geometry import HostFrame

USUAL_RATE = 25.0  # frames per second, where a source does not know its own
NAMED = 5  # frames that a message names before it says how many more there are


class Numbered(NamedTuple):
    """A frame and its place in the source, from 0: a frame that cannot be decoded leaves its number out."""

    number: int
    frame: HostFrame


@dataclass(frozen=True, slots=True)
class Head:
    """What a source says of itself before it is read."""

    rate: float  # frames per second
    count: int | None  # frames that it promises; None where nothing is promised


@dataclass(slots=True)
class Tally:
    """How many frames came, of how many, and what was wrong with the others."""

    promised: int | None
    read: int = 0
    missing: list[int] = field(default_factory=list)  # numbers of frames that could not be decoded
    damaged: list[int] = field(default_factory=list)  # numbers of frames that came, but not whole
    cut: bool = False  # the file ends before it says that it does
    reasons: list[str] = field(default_factory=list)  # what the decoder said; the first is told

    def check(self, name: str, limit: int | None = None) -> None:
        """IncompleteError unless all frames, or the first so many, came whole; VideoError if none did."""
        told = [*self._told(sys.maxsize if limit is None else limit)]
        reason = f" ({self.reasons[0]})" if self.reasons else ""
        if not self.read:
            raise VideoError(f"{name} has no frame that can be decoded{reason}")
        if told:
            raise IncompleteError(f"{name} is damaged or truncated: {'; '.join(told)}{reason}")

    def _told(self, limit: int) -> Iterator[str]:
        missing = [each for each in self.missing if each < limit]
        damaged = [each for each in self.damaged if each < limit]
        expected = max(min(self.promised or 0, limit), self.read + len(missing))
        if self.read < expected:
            yield f"only {self.read} of {expected} frames could be decoded"
        elif self.cut:
            yield f"only {self.read} frames could be decoded before its end was missing"
        if missing:
            yield f"missing: {_named(missing)}"
        if damaged:
            yield f"perhaps not whole: {_named(damaged)}"
        yield from self._told_of_shifts(min([*missing, *damaged], default=sys.maxsize), limit)

    def _told_of_shifts(self, first: int, limit: int) -> Iterator[str]:
        """That later numbers may be wrong, where nothing says how many frames went with the first bad one."""
        count = self.read + len(self.missing)
        unknown = self.promised is None or (count < self.promised <= limit)
        if unknown and first < count - 1:
            yield f"frames may be lost without a trace there, so numbers after {first} may be too low"


def _named(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
    return ", ".join(map(str, numbers[:NAMED])) + more
