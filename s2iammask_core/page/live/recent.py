"""The frames of the last seconds, so that tracking can start where a box was drawn."""

from collections import deque
from dataclasses import dataclass

from s2iammask_core.errors import TargetError
from s2iammask_core.geometry import HostFrame

SECONDS = 10.0
MEGABYTES = 512
SECOND = 10**9


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame and when it came, nanoseconds since 1970."""

    stamp: int
    frame: HostFrame  # (H, W, 3) RGB

    @property
    def size(self) -> tuple[int, int]:
        return self.frame.shape[0], self.frame.shape[1]


class NoLongerKeptError(TargetError):
    """The frame in which a box was drawn has gone."""


class Recent:
    """Bounded in time and in memory; the newest frame is always kept."""

    def __init__(self, seconds: float = SECONDS, megabytes: float = MEGABYTES) -> None:
        self._span, self._most = round(seconds * SECOND), megabytes * 1e6
        self._moments: deque[Moment] = deque()
        self._bytes = 0

    @property
    def newest(self) -> Moment | None:
        return self._moments[-1] if self._moments else None

    def add(self, moment: Moment) -> None:
        self._moments.append(moment)
        self._bytes += moment.frame.nbytes
        while len(self._moments) > 1 and self._is_too_much(moment.stamp):
            self._bytes -= self._moments.popleft().frame.nbytes

    def _is_too_much(self, now: int) -> bool:
        return now - self._moments[0].stamp > self._span or self._bytes > self._most

    def since(self, stamp: int) -> list[Moment]:
        """The frame with that stamp and all that came after it; NoLongerKeptError if it is not there."""
        found = [moment for moment in self._moments if moment.stamp >= stamp]
        if not found or found[0].stamp != stamp:
            raise NoLongerKeptError(f"that picture is not kept; pictures are for {SECONDS:g} s")
        return found


def thinned(moments: list[Moment], most: int) -> list[Moment]:
    """At most so many of them, evenly spread, the last one included."""
    step = max(-(-len(moments) // most), 1)
    return moments[::-1][::step][::-1]
