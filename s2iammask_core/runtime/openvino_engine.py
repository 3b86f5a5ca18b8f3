"""The graphs of an exported folder in OpenVINO: on a CPU twice as fast as PyTorch, in a fifth of the memory.

A graph has fixed shapes, for one target. Several targets go through it side by side, each on cores of its
own, which is faster than a batch. That takes a second compilation, of 64 MB for each that runs. It is made
beside the work once several targets have come for a while, and let go once one has come alone for long;
without it they go one after another, each on all cores. What only starts ask is loaded for each from what is
kept of its compilation, a tenth of a second, and holds no memory in between.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from s2iammask_core.cache import cache_folder
from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import ConfigError, UnavailableError, WeightsError
from s2iammask_core.manifest import sha256
from s2iammask_core.memory import trim
from s2iammask_core.runtime.exported import DESCRIPTION, FIRST_MASK, Exported
from s2iammask_core.runtime.exported_runner import Inputs, Outputs
from s2iammask_core.runtime.machine import usable_cores

FORMATS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}  # OpenVINO's names
PATIENCE = 32  # calls with several targets that are a habit; a start or a check makes less
FORGETFULNESS = 1000  # calls with one target, or without a first mask, after which that is none any more
STARTS = 2  # in which first masks are asked for in such a time; more are a habit
WIDENING = "openvino-widening"  # the thread that compiles beside the work
MOST_LANES = 8  # targets side by side
KEPT_DAYS = 60  # since its last use, after which a compilation is removed from the cache
KEPT_KERNELS = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"  # how many oneDNN keeps after their graph is gone

_used: WeakValueDictionary[str, Any] = WeakValueDictionary()
_lock = threading.Lock()
_first_compilation = threading.Lock()  # held for good from then on

logger = logging.getLogger(__name__)


class OpenvinoEngine:
    """Compiled graphs; threads come and go with them."""

    def __init__(self, folder: Path, described: Exported, runtime: RuntimeConfig) -> None:
        """UnavailableError without the package or the device, ConfigError for a format that it lacks."""
        self._core = core()
        self._place = place_named(runtime.device)
        self._threads = runtime.threads or usable_cores()
        self._precision = format_named(runtime.precision, self._place)
        self._files = {name: graph_file(folder, name) for name in described.graphs}
        self._kept = kept_in(folder)
        lasting = [name for name in described.graphs if name != FIRST_MASK]
        self._alone = {name: _Lanes(self._compiled(name, 1), 1) for name in lasting}
        self._abreast: _Lanes | None = None
        self._first: _Lanes | None = None  # kept while first masks are asked for again and again
        self._starts = self._calls_since_start = 0
        self._calls_of_several = self._calls_of_one = 0

    @property
    def device(self) -> str:
        return "cpu" if self._place == "CPU" else self._place

    def sizes(self, most: int) -> tuple[int, ...]:
        return (1,)

    def answer(self, graph: str, calls: Sequence[Inputs]) -> list[Outputs]:
        if graph != "search":
            return self._at_hand(graph).answer(calls)
        self._count(len(calls))
        abreast = self._abreast
        if abreast is None or len(calls) == 1:
            return self._alone[graph].answer(calls)
        single = len(calls) % abreast.count == 1  # the last one may have all cores
        whole = len(calls) - 1 if single else len(calls)
        return abreast.answer(calls[:whole]) + self._alone[graph].answer(calls[whole:])

    def _at_hand(self, graph: str) -> "_Lanes":
        """The graph on all cores. That of first masks ends with its user if it can be had again soon, unless
        it is asked for so often that more than starts ask.
        """
        if graph in self._alone:
            return self._alone[graph]
        self._starts, self._calls_since_start = self._starts + 1, 0
        lanes = self._first or _Lanes(self._compiled(graph, 1), 1)
        if not self._kept or self._starts > STARTS:
            self._first = lanes
        return lanes

    def _count(self, targets: int) -> None:
        """Makes and lets go what pays for several targets and for many first masks, by what is a habit."""
        self._calls_since_start += 1
        if self._calls_since_start >= FORGETFULNESS:
            self._forget_starts()
        if targets > 1:
            self._calls_of_one = 0
            self._calls_of_several += 1
            if self._calls_of_several == PATIENCE and self._threads > 1:
                # an exit waits for it, a second or less
                threading.Thread(target=self._widen, name=WIDENING).start()
            return
        self._calls_of_one += 1
        if self._calls_of_one >= FORGETFULNESS:
            self._calls_of_several = self._calls_of_one = 0
            self._narrow()

    def _forget_starts(self) -> None:
        self._starts = self._calls_since_start = 0
        if self._first is not None and self._kept:
            self._first = None
            trim()

    def _narrow(self) -> None:
        if self._abreast is not None:
            self._abreast = None
            trim()

    def _widen(self) -> None:
        count = min(self._threads, MOST_LANES)
        try:
            self._abreast = _Lanes(self._compiled("search", count), count)
        except UnavailableError as error:
            logger.warning("OpenVINO cannot run targets side by side: %s", error)

    def _compiled(self, graph: str, lanes: int) -> Any:
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": FORMATS[self._precision],
            "PERFORMANCE_HINT": "LATENCY",
            **self._kept,
        }
        if self._place == "CPU":
            settings |= {
                "NUM_STREAMS": lanes,
                "INFERENCE_NUM_THREADS": self._threads,
                "ENABLE_CPU_PINNING": False,  # a thread that others keep from its core goes to another
            }
        try:
            with kernels_let_go():
                return self._core.compile_model(str(self._files[graph]), self._place, settings)
        except RuntimeError as error:
            raise UnavailableError(
                f"OpenVINO cannot compile {self._files[graph].name} for {self._place}: {error}"
            ) from error


def settle() -> None:
    """Waits for what engines compile beside the work, for those who measure the work alone."""
    for thread in threading.enumerate():
        if thread.name == WIDENING:
            thread.join()


class _Lanes:
    """Requests of one compiled graph that run side by side."""

    def __init__(self, compiled: Any, count: int) -> None:
        self.count = count
        self._requests = [compiled.create_infer_request() for _ in range(count)]
        self._outputs = range(len(compiled.outputs))

    def answer(self, calls: Sequence[Inputs]) -> list[Outputs]:
        """Each request gets its next inputs as soon as it has answered, while the others go on."""
        turns = [self._requests[number % self.count] for number in range(len(calls))]
        found: list[Outputs] = []
        for number, inputs in enumerate(calls):
            if number >= self.count:
                found.append(self._answered(turns[number - self.count]))
            turns[number].start_async(inputs, share_inputs=True)
        return found + [self._answered(request) for request in turns[len(found) :]]

    def _answered(self, request: Any) -> Outputs:
        request.wait()
        return [np.array(request.get_output_tensor(each).data) for each in self._outputs]


def core() -> Any:
    """OpenVINO itself, once for all who use it; its threads and caches end with the last of them."""
    try:
        import openvino
    except ImportError as error:
        raise UnavailableError("runtime openvino needs its package: pip install openvino") from error
    with _lock:
        used = _used.get("core")
        if used is None:
            used = _used["core"] = openvino.Core()
        return used


@contextmanager
def kernels_let_go() -> Iterator[None]:
    """OpenVINO's oneDNN keeps no kernels of graphs that are gone, some 20 MB, unless the user says otherwise.

    It asks for that once, with its first graph. PyTorch has a oneDNN of its own, which asks the same variable
    and needs what it keeps; so the variable is there for as long as the first compilation takes.
    """
    if KEPT_KERNELS in os.environ or not _first_compilation.acquire(blocking=False):
        yield
        return
    os.environ[KEPT_KERNELS] = "0"
    try:
        yield
    finally:
        del os.environ[KEPT_KERNELS]


def place_named(device: str) -> str:
    """OpenVINO's name of a device; UnavailableError for one that it does not see here."""
    place = "CPU" if device == "cpu" else device
    here = core().available_devices
    if place not in here and not any(each.startswith(f"{place}.") for each in here):
        raise UnavailableError(f"OpenVINO sees no device {place} here; it sees {', '.join(here)}")
    return place


def format_named(precision: str, place: str) -> str:
    """auto: bf16 on a CPU that multiplies it, fp32 on others, fp16 elsewhere; ConfigError for tf32."""
    if precision == "tf32":
        raise ConfigError("precision tf32 is of NVIDIA's GPUs; leave precision at auto")
    if precision != "auto":
        return precision
    if place != "CPU":
        return "fp16"
    return "bf16" if "BF16" in core().get_property(place, "OPTIMIZATION_CAPABILITIES") else "fp32"


def graph_file(folder: Path, name: str) -> Path:
    """The ONNX file of a graph; WeightsError if it is not there."""
    path = folder / f"{name}.onnx"
    if not path.is_file():
        raise WeightsError(f"there is no {path}; only what `export --format onnx` wrote can be run")
    return path


def kept_in(folder: Path) -> dict[str, str]:
    """The setting that keeps what is compiled of an exported folder, which makes a start several times as
    fast; none where nobody can write. What was kept of folders that nobody used for long is let go.
    """
    digest = sha256(folder / DESCRIPTION)[:16]  # OpenVINO itself tells files by path, time and size
    kept = cache_folder() / "openvino" / digest
    try:
        kept.mkdir(parents=True, exist_ok=True)
        os.utime(kept)
        _clear(kept.parent)
    except OSError:
        return {}
    return {"CACHE_DIR": str(kept)} if os.access(kept, os.W_OK) else {}


def _clear(folder: Path) -> None:
    """Removes the folders in one that were not used for long."""
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for each in folder.iterdir():
        if each.is_dir() and each.stat().st_mtime < oldest:
            shutil.rmtree(each, ignore_errors=True)
