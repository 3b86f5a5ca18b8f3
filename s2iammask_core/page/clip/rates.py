"""How fast a clip is tracked."""

from collections import deque

import numpy as np

WINDOW = 5.0  # seconds that figures cover


class Rates:
    """The durations of the last steps."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, float]] = deque(maxlen=2000)  # when, and how long; seconds

    def add(self, now: float, seconds: float) -> None:
        self._steps.append((now, seconds))

    def figures(self, now: float) -> tuple[float, float, float] | None:
        """Steps in a second of work, and p50 and p95 of a step in milliseconds; None without any."""
        recent = [seconds for when, seconds in self._steps if now - when <= WINDOW]
        if not recent:
            return None
        p50, p95 = np.percentile(recent, [50, 95]) * 1000
        return len(recent) / sum(recent), float(p50), float(p95)
