"""Where the images of one camera went; every one that came is counted exactly once."""

from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal

from s2iammask_ros.health.cadence import Cadence, period_of

Fate = Literal["processed", "dropped", "late", "failed"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of images since activation; received = the next four + those on their way."""

    received: int = 0
    processed: int = 0
    dropped: int = 0  # a newer one came before their turn
    late: int = 0  # older than max_age at their turn
    failed: int = 0  # unreadable, or an error came up
    missing: int = 0  # estimate: stamped by the camera, never arrived


class Counters:
    """Counts from several threads; `counts` is one consistent record."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._cadence = Cadence()
        self._lock = Lock()

    @property
    def counts(self) -> Counts:
        with self._lock:
            return self._counts

    @property
    def period(self) -> int | None:
        """Nanoseconds between two images of the camera, as of the last settling; None while unknown."""
        return self._cadence.period

    def receive(self, stamp: int) -> None:
        with self._lock:
            self._cadence.add(stamp)
            self._counts = replace(self._counts, received=self._counts.received + 1)

    def count(self, fate: Fate) -> None:
        with self._lock:
            self._counts = replace(self._counts, **{fate: getattr(self._counts, fate) + 1})

    def settle(self) -> Counts:
        """The counts, with what is missing estimated anew: for once in a while."""
        with self._lock:
            stamps = self._cadence.stamps()
        period = period_of(stamps)  # images that come meanwhile do not wait for it
        with self._lock:
            self._counts = replace(self._counts, missing=self._cadence.settle(period))
            return self._counts
