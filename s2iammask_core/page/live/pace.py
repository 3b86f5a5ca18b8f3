"""How fast a camera is tracked."""

from collections import deque
from threading import Lock

import numpy as np

from s2iammask_core.page.live.recent import SECOND

WINDOW = 3.0  # seconds that figures cover
MOST = 1000  # frames that are remembered


class Pace:
    """When frames came and were shown, and how many were dropped. Any thread may use it."""

    def __init__(self) -> None:
        # stamps: of the frame, and when it was shown
        self._shown: deque[tuple[int, int]] = deque(maxlen=MOST)
        self._dropped = 0
        self._lock = Lock()

    def add(self, stamp: int, shown: int) -> None:
        with self._lock:
            self._shown.append((stamp, shown))

    def drop(self) -> None:
        with self._lock:
            self._dropped += 1

    def rate(self, now: int) -> float:
        """Frames a second."""
        return len(self._latencies(now)) / WINDOW

    def figures(self, now: int) -> tuple[float, float | None, float | None, int]:
        """Frames a second, p50 and p95 of latency in ms, and how many were dropped since the last call."""
        latencies = self._latencies(now)
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        if not latencies:
            return 0.0, None, None, dropped
        p50, p95 = np.percentile(latencies, [50, 95])
        return len(latencies) / WINDOW, round(float(p50), 1), round(float(p95), 1), dropped

    def _latencies(self, now: int) -> list[float]:
        """Milliseconds of each frame in the window."""
        with self._lock:
            recent = [pair for pair in self._shown if now - pair[1] <= WINDOW * SECOND]
        return [(shown - stamp) / 1e6 for stamp, shown in recent]
