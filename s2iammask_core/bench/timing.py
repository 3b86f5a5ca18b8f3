"""Clocks, and what a process takes; without PyTorch."""

import math
import re
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

WARM_UP = 3  # calls that are not counted
MIB = 2**20

Clock: TypeAlias = Callable[[], float]  # seconds


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of repeated calls."""

    p50: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Timing":
        ordered = sorted(seconds)
        return cls(1e3 * _quantile(ordered, 0.5), 1e3 * _quantile(ordered, 0.99))


@dataclass(frozen=True, slots=True)
class Stage:
    """The median time of one stage of a step."""

    name: str
    ms: float


class Meter(Protocol):
    """What a device counts."""

    def begin(self) -> None:
        """Forgets the peak so far, where that can be."""
        ...

    def memory_mib(self) -> float:
        """The most memory held since it began."""
        ...

    def allocations(self) -> int:
        """Requests for device memory so far."""
        ...


class ProcessMeter:
    """Of a CPU: nothing is forgotten, and requests are not counted."""

    def begin(self) -> None:
        pass

    def memory_mib(self) -> float:
        return peak_memory_mib()

    def allocations(self) -> int:
        return 0


def peak_memory_mib() -> float:
    """The most memory that this process held, and not, as rusage has it, its parent before."""
    try:
        found = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    except OSError:
        found = None
    return int(found[1] if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024  # of KiB


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
