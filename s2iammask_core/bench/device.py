"""Clocks, limits and memory of a device of PyTorch."""

from collections.abc import Callable

import torch

from s2iammask_core.bench.timing import MIB, WARM_UP, Clock, Meter, ProcessMeter, Timing

PRODUCTS = {"cpu": 1024, "cuda": 8192}  # side of the matrices whose product is the ceiling


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


class GpuMeter:
    """What PyTorch takes of a GPU."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def begin(self) -> None:
        torch.cuda.reset_peak_memory_stats(self._device)

    def memory_mib(self) -> float:
        return torch.cuda.max_memory_allocated(self._device) / MIB

    def allocations(self) -> int:
        return int(torch.cuda.memory_stats(self._device).get("allocation.all.allocated", 0))


def meter_of(device: torch.device) -> Meter:
    return GpuMeter(device) if device.type == "cuda" else ProcessMeter()
