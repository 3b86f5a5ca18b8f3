"""Clocks, and the limits of a device."""

import math
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

WARM_UP = 3  # calls that are not counted
PRODUCTS = {"cpu": 1024, "cuda": 8192}  # side of the matrices whose product is the ceiling
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


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(call: Callable[[], object], repeats: int, device: torch.device, clock: Clock) -> Timing:
    """How long a call takes, after a warm-up, with the device idle before and after it."""
    for _ in range(WARM_UP):
        call()
    seconds = []
    for _ in range(repeats):
        wait(device)
        begin = clock()
        call()
        wait(device)
        seconds.append(clock() - begin)
    return Timing.of(seconds)


def matrix_ceiling(device: torch.device, dtype: torch.dtype, clock: Clock) -> float:
    """TFLOP/s of a large matrix product: what no network can exceed on this device in this number format."""
    side = PRODUCTS[device.type]
    left, right = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
    fastest = timed(lambda: left @ right, 10, device, clock).p50
    return 2 * side**3 / fastest / 1e9


def forget_peak(device: torch.device) -> None:
    """Lets `memory_mib` begin anew on a GPU; of a process on a CPU nothing is forgotten."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def memory_mib(device: torch.device) -> float:
    """The most memory held: of a GPU since `forget_peak`, of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / MIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB


def allocations(device: torch.device) -> int:
    """Requests for device memory so far; 0 on a CPU, which does not count them."""
    if device.type != "cuda":
        return 0
    return int(torch.cuda.memory_stats(device).get("allocation.all.allocated", 0))
