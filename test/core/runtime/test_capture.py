"""How graphs are recorded: stand-ins for PyTorch's CUDA calls note what they are asked for, and refuse what
PyTorch refuses.
"""

import threading
from contextlib import contextmanager

import pytest
import torch

from s2iammask_core.runtime import capture as capture_module
from s2iammask_core.runtime.capture import CudaCapture, fault_of

FIRST, SECOND = torch.device("cuda:0"), torch.device("cuda:1")


class Stream:
    def __init__(self, device):
        self.device, self.waits = device, []

    def wait_stream(self, other):
        self.waits.append(other)


class Gpus:
    """The state that PyTorch keeps of its devices."""

    def __init__(self):
        self.device = FIRST
        self.default = {device: Stream(device) for device in (FIRST, SECOND)}
        self.current = dict(self.default)
        self.made = []  # streams
        self.pools = {}  # the number of living graphs by pool
        self.recorded = []  # (device, stream, pool) of each graph
        self.capturing, self.fails = None, {}
        self.log = []

    def stream(self, device=None):
        return self.current[device or self.device]

    def new_stream(self, device):
        self.made.append(Stream(device))
        return self.made[-1]

    @contextmanager
    def use_device(self, device):
        before, self.device = self.device, device
        try:
            yield
        finally:
            self.device = before

    @contextmanager
    def use_stream(self, stream):
        """As PyTorch's, which also makes the stream's device the current one."""
        assert stream.device == self.device
        before = self.current[stream.device]
        self.current[stream.device] = stream
        try:
            yield
        finally:
            self.current[stream.device] = before

    def handle(self):
        return object()


class Graph:
    def __init__(self, gpus):
        self.gpus, self._pool = gpus, None

    def pool(self):
        return self._pool

    def replay(self):
        self.gpus.log.append("replay")

    def __del__(self):
        if self._pool is not None:
            self.gpus.pools[self._pool] -= 1


class Recording:
    """As torch.cuda.graph of versions that leave their stream current when a capture fails."""

    def __init__(self, gpus, graph, pool=None, stream=None, capture_error_mode="global"):
        assert stream is not None, "the default stream belongs to the first device"
        assert stream.device == gpus.device, "nothing that runs there would be recorded"
        assert gpus.pools.get(pool, 1) > 0, "use_count > 0 INTERNAL ASSERT FAILED"
        assert capture_error_mode == "thread_local"
        self.gpus, self.graph, self.pool, self.stream = gpus, graph, pool, stream

    def __enter__(self):
        gpus = self.gpus
        assert gpus.capturing is None
        if "begin" in gpus.fails:
            raise gpus.fails["begin"]
        gpus.capturing = self.stream
        gpus.current[gpus.device] = self.stream
        gpus.pools[self.pool] = gpus.pools.get(self.pool, 0) + 1

    def __exit__(self, kind, error, trace):
        gpus, gpus.capturing = self.gpus, None
        self.graph._pool = self.pool
        if error is not None:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")
        gpus.recorded.append((gpus.device, self.stream, self.pool))


@pytest.fixture
def gpus(monkeypatch):
    gpus = Gpus()
    for name, value in {
        "device": gpus.use_device,
        "current_stream": gpus.stream,
        "Stream": gpus.new_stream,
        "stream": gpus.use_stream,
        "CUDAGraph": lambda: Graph(gpus),
        "graph": lambda *given, **named: Recording(gpus, *given, **named),
        "graph_pool_handle": gpus.handle,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    capture_module._stream.cache_clear()
    yield gpus
    capture_module._stream.cache_clear()


@pytest.fixture
def work(gpus):
    """Work that notes where and how it runs."""

    def run():
        assert gpus.stream() in gpus.made, "warm-up and capture run on the stream that is kept for them"
        gpus.log.append(("capture" if gpus.capturing else "warm-up", torch.backends.cudnn.benchmark))
        if gpus.capturing and "work" in gpus.fails:
            raise gpus.fails["work"]
        return torch.zeros(1)

    return run


def test_ways_to_convolve_are_tried_in_the_warm_up_alone(gpus, work):
    CudaCapture(FIRST)(work)

    assert gpus.log == [("warm-up", True)] * 3 + [("capture", False)]
    assert not torch.backends.cudnn.benchmark


def test_each_device_has_one_stream_for_all_captures(gpus, work):
    first, second = CudaCapture(FIRST), CudaCapture(SECOND)

    kept = [capture(work) for capture in (first, second, first, second, CudaCapture(FIRST))]

    assert [stream.device for stream in gpus.made] == [FIRST, SECOND]
    assert [stream for _, stream, _ in gpus.recorded] == [gpus.made[k] for k in (0, 1, 0, 1, 0)]
    assert [device for device, _, _ in gpus.recorded] == [FIRST, SECOND, FIRST, SECOND, FIRST]
    assert len(kept) == 5


def test_a_capture_begins_after_what_was_asked_before_and_ends_before_what_follows(gpus, work):
    CudaCapture(SECOND)(work)

    (stream,) = gpus.made
    assert stream.waits == [gpus.default[SECOND]]
    assert gpus.default[SECOND].waits == [stream]
    assert gpus.current == gpus.default
    assert gpus.device == FIRST


def test_graphs_of_a_runner_share_memory_and_those_of_another_do_not(gpus, work):
    runner, other = CudaCapture(FIRST), CudaCapture(FIRST)

    kept = [capture(work) for capture in (runner, runner, other, runner)]

    first, second, third, fourth = (pool for _, _, pool in gpus.recorded)
    assert first is second is fourth
    assert third is not first
    assert len(kept) == 4


def test_memory_that_no_graph_is_left_of_is_not_used_again(gpus, work):
    capture = CudaCapture(FIRST)
    replay = capture(work)
    del replay

    capture(work)

    first, second = (pool for _, _, pool in gpus.recorded)
    assert first is not second


@pytest.mark.parametrize("where", ["begin", "work"])
def test_a_capture_that_fails_leaves_no_stream_behind_and_the_next_one_works(gpus, work, where):
    capture, reason = CudaCapture(SECOND), RuntimeError("operation not permitted when stream is capturing")
    gpus.fails[where] = reason

    fault = fault_of(lambda: capture(work))

    assert fault.text == "RuntimeError: operation not permitted when stream is capturing"
    assert not fault.wants_memory
    assert (gpus.current, gpus.device) == (gpus.default, FIRST)
    assert not torch.backends.cudnn.benchmark

    gpus.fails.clear()
    capture(work)()
    assert gpus.log[-1] == "replay"


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: out of memory"),
    ],
)
def test_a_device_that_is_full_is_told_from_other_failures(gpus, work, error):
    gpus.fails["work"] = error

    fault = fault_of(lambda: CudaCapture(FIRST)(work))

    assert fault.wants_memory
    assert "out of memory" in fault.text


def test_a_fault_keeps_no_tensor_alive():
    held = []

    def fails():
        values = torch.zeros(3)
        held.append(values)
        raise RuntimeError("no")

    fault_of(fails)
    before = len(held)

    import gc
    import weakref

    reference = weakref.ref(held.pop())
    gc.collect()
    assert before == 1
    assert reference() is None


def test_two_threads_capture_one_after_the_other(gpus, work):
    started, errors = threading.Barrier(2), []

    def run():
        started.wait()
        try:
            CudaCapture(FIRST)(work)
        except AssertionError as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert len(gpus.recorded) == 2
