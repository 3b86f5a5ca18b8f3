"""How often a camera gives images, told from the stamps of those that arrive, however many do not."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from s2iammask_ros.messages.stamps import SECOND

KEPT = 256  # stamps that the period is told from
FEWEST = 12
LAGS = 4  # stamps further apart than so many neighbours are not compared: a jitter that adds up blurs them
SUREST_CHANCE = 5.0  # standard deviations: how regular stamps must be, so that it is no accident
AS_GOOD = 0.85  # of the best: a divisor of the period explains the stamps as well as the period does
RATES = np.linspace(0.95, 7.0, 200)  # those that are tried, in arriving images: up to 6 of 7 may be missing
PAUSE, PAUSE_GAPS = 2 * SECOND, 20.0  # a gap longer than both, nanoseconds and mean gaps: the camera paused


class Cadence:
    """Estimates the camera's period and the number of stamps that never arrived.

    What is lost is what time has passed, in periods, minus what came; so jitter adds nothing to it. While the
    stamps have no rhythm the period is None, and nothing is counted until they have one.
    """

    def __init__(self) -> None:
        self.period: int | None = None  # nanoseconds
        self._stamps: deque[int] = deque(maxlen=KEPT)
        self._span = self._gaps = 0  # that are not settled yet
        self._lost = 0.0
        self._shown = 0

    def add(self, stamp: int) -> None:
        """Costs next to nothing. A stamp that goes back, or comes after a pause, begins anew."""
        gap = stamp - self._stamps[-1] if self._stamps else 0
        if gap < 0 or self._is_pause(gap):
            self._stamps.clear()
        elif gap > 0:
            self._span, self._gaps = self._span + gap, self._gaps + 1
        if gap or not self._stamps:
            self._stamps.append(stamp)

    def stamps(self) -> NDArray[np.int64]:
        """Those that `period_of` is to tell the period from."""
        return np.array(self._stamps, np.int64)

    def settle(self, period: int | None) -> int:
        """Takes over the period; how many stamps have not arrived so far, estimated. It never falls."""
        self.period = period
        if period is not None:
            self._lost += self._span / period - self._gaps
            self._span = self._gaps = 0
        self._shown = max(self._shown, round(self._lost))
        return self._shown

    def _is_pause(self, gap: int) -> bool:
        if len(self._stamps) < FEWEST:
            return gap > PAUSE
        mean = (self._stamps[-1] - self._stamps[0]) / (len(self._stamps) - 1)
        return gap > max(PAUSE, PAUSE_GAPS * mean)


def period_of(stamps: NDArray[np.int64]) -> int | None:
    """The period of which rising stamps are multiples, apart from jitter; None if they have no rhythm.

    Takes a few milliseconds.

    With the right rate the differences of neighbours are whole numbers of periods: their phases agree. Of the
    rates that explain them, as all multiples of one do, the lowest is the camera's.
    """
    if len(stamps) < FEWEST:
        return None
    mean = float(stamps[-1] - stamps[0]) / (len(stamps) - 1)
    gaps = np.concatenate([stamps[lag:] - stamps[:-lag] for lag in range(1, LAGS + 1)]) / mean
    agreement = np.cos(2 * np.pi * np.outer(RATES, gaps)).mean(axis=1)
    if agreement.max() * np.sqrt(2 * len(gaps)) < SUREST_CHANCE:
        return None
    period = 1 / float(RATES[_first_peak(agreement)])
    for _ in range(2):  # exactly: the period for which the whole numbers fit best
        counts = np.round(gaps / period)
        period = float((gaps * counts).sum() / (counts * counts).sum())
    return round(period * mean)


def _first_peak(values: NDArray[np.float64]) -> int:
    at = int(np.flatnonzero(values >= AS_GOOD * values.max())[0])
    while at + 1 < len(values) and values[at + 1] > values[at]:
        at += 1
    return at
