"""Where the images of one camera went; every one that came is counted exactly once."""

from collections import deque
from dataclasses import dataclass, replace
from statistics import median
from threading import Lock
from typing import Literal

Fate = Literal["processed", "dropped", "late", "failed"]
GAPS = 31  # recent intervals between two stamps that say how fast the camera is


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
        self._gaps: deque[int] = deque(maxlen=GAPS)
        self._last_stamp: int | None = None
        self._lock = Lock()

    @property
    def counts(self) -> Counts:
        with self._lock:
            return self._counts

    def receive(self, stamp: int) -> None:
        with self._lock:
            missing = self._missing_before(stamp)
            self._counts = replace(
                self._counts, received=self._counts.received + 1, missing=self._counts.missing + missing
            )

    def count(self, fate: Fate) -> None:
        with self._lock:
            self._counts = replace(self._counts, **{fate: getattr(self._counts, fate) + 1})

    def _missing_before(self, stamp: int) -> int:
        """How many stamps a camera of steady rate would have given since the last one that arrived."""
        gap = None if self._last_stamp is None else stamp - self._last_stamp
        self._last_stamp = stamp
        if gap is None or gap <= 0:
            return 0
        usual = median(self._gaps) if len(self._gaps) >= 3 else gap
        self._gaps.append(gap)
        return max(round(gap / usual) - 1, 0)
