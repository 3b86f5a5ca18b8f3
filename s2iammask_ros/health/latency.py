"""How long images take, as percentiles over the last seconds."""

from collections import deque
from dataclasses import dataclass
from threading import Lock

import numpy as np

WINDOW = 10.0  # seconds
STAGES = ("wait", "convert", "track", "publish")  # in the order in which an image passes them


@dataclass(frozen=True, slots=True)
class Timing:
    """One image's way, seconds; done is on a monotonic clock."""

    done: float
    total: (
        float  # from its stamp to its tracks' publishing; NaN if its stamp cannot be compared with the clock
    )
    stages: tuple[float, ...]  # one for each of STAGES


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds; NaN where there was no image."""

    p50: float = float("nan")
    p95: float = float("nan")
    p99: float = float("nan")


@dataclass(frozen=True, slots=True)
class Summary:
    """The images of one window."""

    window: float  # seconds
    rate: float  # images a second
    total: Percentiles
    stages: tuple[Percentiles, ...]  # one for each of STAGES


class LatencyWindow:
    """The timings of the last WINDOW seconds."""

    def __init__(self, now: float) -> None:
        self._timings: deque[Timing] = deque(maxlen=4096)
        self._begin = now
        self._lock = Lock()

    def add(self, timing: Timing) -> None:
        with self._lock:
            self._timings.append(timing)

    def summary(self, now: float) -> Summary:
        with self._lock:
            while self._timings and self._timings[0].done < now - WINDOW:
                self._timings.popleft()
            timings = list(self._timings)
        window = min(WINDOW, max(now - self._begin, 1e-3))
        stages = zip(*(timing.stages for timing in timings), strict=True) if timings else ((),) * len(STAGES)
        total = percentiles([timing.total for timing in timings])
        return Summary(
            window, len(timings) / window, total, tuple(percentiles(list(each)) for each in stages)
        )


def percentiles(seconds: list[float]) -> Percentiles:
    finite = [value for value in seconds if np.isfinite(value)]
    if not finite:
        return Percentiles()
    return Percentiles(*(float(each) * 1000 for each in np.percentile(finite, [50, 95, 99])))
