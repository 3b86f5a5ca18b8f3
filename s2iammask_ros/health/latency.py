"""How long images take, as percentiles over the last seconds."""

from collections import deque
from dataclasses import dataclass
from statistics import median
from threading import Lock

import numpy as np

WINDOW = 10.0  # seconds
COMPARABLE = 60.0  # seconds: a stamp further away from the node's clock is that of another one
RECENT = 64  # images whose age on arrival is known
STAGES = ("wait", "convert", "track", "publish")  # in the order in which an image passes them


@dataclass(frozen=True, slots=True)
class Timing:
    """One image's way, seconds; done is on a monotonic clock."""

    done: float
    total: float  # from its stamp to its tracks' publishing
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
    total: Percentiles  # of those whose stamps can be compared with the clock
    stages: tuple[Percentiles, ...]  # one for each of STAGES
    age: float = float("nan")  # usual age of images that arrive, seconds; below 0: stamped in the future


class LatencyWindow:
    """The timings of the last WINDOW seconds."""

    def __init__(self, now: float) -> None:
        self._timings: deque[Timing] = deque(maxlen=4096)
        self._ages: deque[float] = deque(maxlen=RECENT)
        self._begin = now
        self._lock = Lock()

    def add(self, timing: Timing) -> None:
        with self._lock:
            self._timings.append(timing)

    def arrive(self, age: float) -> None:
        """An image came, so many seconds after its stamp."""
        self._ages.append(age)

    def summary(self, now: float) -> Summary:
        with self._lock:
            while self._timings and self._timings[0].done < now - WINDOW:
                self._timings.popleft()
            timings = list(self._timings)
        window = min(WINDOW, max(now - self._begin, 1e-3))
        stages = zip(*(timing.stages for timing in timings), strict=True) if timings else ((),) * len(STAGES)
        total = percentiles([each.total for each in timings if abs(each.total) < COMPARABLE])
        ages = list(self._ages)
        return Summary(
            window,
            len(timings) / window,
            total,
            tuple(percentiles(list(each)) for each in stages),
            median(ages) if ages else float("nan"),
        )


def percentiles(seconds: list[float]) -> Percentiles:
    finite = [value for value in seconds if np.isfinite(value)]
    if not finite:
        return Percentiles()
    return Percentiles(*(float(each) * 1000 for each in np.percentile(finite, [50, 95, 99])))
