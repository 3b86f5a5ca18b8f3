"""The frames of a clip by their numbers."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress

from s2iammask_core.errors import IncompleteError
from s2iammask_core.files.clips import Clip
from s2iammask_core.files.reading import Numbered
from s2iammask_core.geometry import HostFrame

KEPT = 12  # frames that were read last; stepping back a little reads nothing again


class Footage:
    """Reads a clip in its order only: seeking in a video would give other frames than reading through it.

    In the place of a frame that cannot be decoded stands the one before it.
    """

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._coming: Iterator[Numbered] = iter(())
        self._last = -1  # number of the frame that came last; -1: none
        self._recent: OrderedDict[int, HostFrame] = OrderedDict()

    def frame(self, number: int) -> HostFrame | None:
        """(H, W, 3) RGB, or None behind the end; VideoError if the clip cannot be read."""
        if number in self._recent:
            return self._recent[number]
        if self._last < 0 or number < self._last:
            self._coming, self._last = self._clip.read(), -1
        while self._last < number:
            coming = self._next()
            if coming is None:
                self._last = -1
                return None
            self._keep(coming, self._last)
            self._last = coming.number
        return self._recent[number]

    def _next(self) -> Numbered | None:
        with suppress(IncompleteError):  # said at the end; the previews' reader tells it
            return next(self._coming, None)
        return None

    def _keep(self, coming: Numbered, last: int) -> None:
        before = self._recent.get(last, coming.frame)
        frames = dict.fromkeys(range(last + 1, coming.number), before)
        for number, frame in [*frames.items(), (coming.number, coming.frame)]:
            self._recent[number] = frame
            if len(self._recent) > KEPT:
                self._recent.popitem(last=False)
