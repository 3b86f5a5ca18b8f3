"""Recording work as CUDA graphs.

No GPU has run this yet: what PyTorch is asked for is held by tests with stand-ins for its CUDA calls.
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, TypeAlias
from weakref import WeakSet

import torch
from torch import Tensor

WARM_UP = 3  # runs before a capture: libraries choose their kernels and cached tensors are made

Work: TypeAlias = Callable[[], Tensor]
Capture: TypeAlias = Callable[[Work], Work]

_capturing = Lock()  # PyTorch records one graph at a time in a process


class CudaCapture:
    """Records the kernels of work on a device. All graphs share their memory: they are replayed one after the
    other, and what one answers is read before the next begins.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._graphs: WeakSet[Any] = WeakSet()  # those that are still in use

    def __call__(self, work: Work) -> Work:
        """What replays the work and returns the one tensor that it writes.

        Other threads may use the device meanwhile, as a detector in the same process does.
        """
        with _capturing, torch.cuda.device(self._device):
            stream = _stream(self._device)
            stream.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(stream):  # here too: a capture that fails may leave it the current one
                with _tuning():
                    for _ in range(WARM_UP):
                        work()
                graph, answer = self._record(work, stream)
            torch.cuda.current_stream(self._device).wait_stream(stream)
        self._graphs.add(graph)

        def replay() -> Tensor:
            graph.replay()
            return answer

        return replay

    def _record(self, work: Work, stream: torch.cuda.Stream) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool(), stream=stream, capture_error_mode="thread_local"):
            answer = work()
        return graph, answer

    def _pool(self) -> Any:
        """The memory of the graphs in use; without any a new one, since PyTorch does not take an old one."""
        for graph in self._graphs:
            return graph.pool()
        return torch.cuda.graph_pool_handle()


@cache  # a pool of graphs belongs to the stream that it was recorded on, and that to its device
def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)


@contextmanager
def _tuning() -> Iterator[None]:
    """CuDNN tries its ways to convolve and keeps the fastest.

    It does so for each thread and batch size anew, which takes seconds: not outside of a warm-up.
    """
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something failed, without the tensors that an exception holds."""

    text: str
    wants_memory: bool


def fault_of(call: Callable[[], object]) -> Fault | None:
    """What goes wrong in a call, None if nothing does.

    Where a capture ends in an error of its own, the one that led to it is told.
    """
    try:
        call()
    except Exception as error:  # whatever the driver and its libraries raise
        chain = [*_causes(error)]
        for each in chain:
            traceback.clear_frames(each.__traceback__)
        return Fault(f"{type(chain[-1]).__name__}: {chain[-1]}", any(map(is_out_of_memory, chain)))
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device is full; CUDA itself says so in another way than PyTorch's allocator."""
    return isinstance(error, torch.cuda.OutOfMemoryError) or "out of memory" in str(error)
