"""The frames of a clip by their numbers."""

from collections import OrderedDict
from collections.abc import Iterator

from s2iammask_core.geometry import HostFrame
from s2iammask_core.video import Clip

KEPT = 12  # frames that were read last; stepping back a little reads nothing again


class Footage:
    """Reads a clip in its order only: seeking in a video would give other frames than reading through it."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._frames: Iterator[HostFrame] = iter(())
        self._next: int | None = None  # number of the frame that comes next; None before the first reading
        self._recent: OrderedDict[int, HostFrame] = OrderedDict()

    def frame(self, number: int) -> HostFrame | None:
        """(H, W, 3) RGB, or None behind the end; VideoError if it cannot be read."""
        if number in self._recent:
            return self._recent[number]
        if self._next is None or number < self._next:
            self._frames, self._next = iter(self._clip), 0
        while self._next <= number:
            frame = next(self._frames, None)
            if frame is None:
                self._next = None
                return None
            self._keep(self._next, frame)
            self._next += 1
        return self._recent[number]

    def _keep(self, number: int, frame: HostFrame) -> None:
        self._recent[number] = frame
        if len(self._recent) > KEPT:
            self._recent.popitem(last=False)
