"""Runs the steps of an exported network by onnxruntime, on NumPy's arrays; PyTorch is not needed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import UnavailableError, WeightsError
from s2iammask_core.geometry import Crop, Frame, HostArray, cut
from s2iammask_core.runtime.exported import GRAPHS, folder_of, read_description
from s2iammask_core.tracking.answer import Answer, answers
from s2iammask_core.tracking.arrays import joined
from s2iammask_core.tracking.frames import on_host
from s2iammask_core.tracking.network import MaskSource
from s2iammask_core.tracking.runner import Search

PROVIDERS = {  # of onnxruntime, by device; the first that can run a node does
    "cpu": ["CPUExecutionProvider"],
    "cuda": ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"],
}


class OnnxRunner:
    """The graphs of a folder. Patches are cut on the host, and arrays come from and go to its memory."""

    def __init__(self, path: Path, config: TrackerConfig, runtime: RuntimeConfig) -> None:
        """ConfigError if the graphs were made for others, UnavailableError without the device."""
        folder = folder_of(path)
        self.description = read_description(folder)
        self.description.check(config)
        self.description.check_runtime(runtime)
        providers = providers_of(runtime.device)
        self._number = device_number(runtime.device)
        self._sessions = {name: _session(folder / f"{name}.onnx", providers, runtime) for name in GRAPHS}
        if runtime.device.startswith("cuda") and self.device == "cpu":  # of which onnxruntime makes no error
            raise UnavailableError(
                f"device {runtime.device} was asked for, but onnxruntime cannot use it; what it said before "
                "this tells why: often CUDA or cuDNN is not installed, or of another version"
            )

    @property
    def device(self) -> str:
        used = self._sessions["search"].get_providers()
        return "cpu" if used == PROVIDERS["cpu"] else f"cuda:{self._number}"

    @property
    def mask_source(self) -> MaskSource:
        return self.description.mask_source

    def sizes(self, most: int) -> tuple[int, ...]:
        return (1,)

    @property
    def memory_values(self) -> int:
        return self.description.memory_values

    def templates(
        self, frame: Frame, crop: Crop[HostArray], border: HostArray, masks: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        (kernels,) = self._answer("template", patches=cut(on_host(frame), crop, border), masks=masks)
        return kernels

    def run(self, config: TrackerConfig, searches: Sequence[Search]) -> list[Answer]:
        figures, levels, reach = self._answer(
            "search",
            kernels=joined([each.kernels for each in searches]),
            patches=joined([cut(on_host(each.frame), each.aim.crop, each.aim.border) for each in searches]),
            aim=joined([each.aim.packed() for each in searches]),
            settings=np.array([getattr(config, name) for name in self.description.live], np.float32),
        )
        return answers(figures, levels, reach)

    def _answer(self, graph: str, **inputs: NDArray[np.float32]) -> list[NDArray[Any]]:
        given = {name: np.ascontiguousarray(values) for name, values in inputs.items()}
        found: list[NDArray[Any]] = self._sessions[graph].run(None, given)
        return found


def providers_of(device: str) -> list[str]:
    """The providers for a device that this onnxruntime has; UnavailableError for a GPU without one."""
    try:
        import onnxruntime
    except ImportError as error:
        raise UnavailableError(
            "an exported network needs onnxruntime: pip install onnxruntime, or onnxruntime-gpu"
        ) from error
    here = onnxruntime.get_available_providers()
    kind = device.partition(":")[0]
    wanted = PROVIDERS["cpu" if kind == "cpu" else "cuda"]
    found = [name for name in wanted if name in here]
    if kind == "cuda" and found == PROVIDERS["cpu"]:
        raise UnavailableError(
            f"this onnxruntime has no CUDA; it has {', '.join(here)}: install onnxruntime-gpu"
        )
    return found


def device_number(device: str) -> int:
    """N of cuda:N, 0 of others; UnavailableError if it is no number."""
    kind, _, number = device.partition(":")
    if number and not (kind == "cuda" and number.isdecimal()):
        raise UnavailableError(f"there is no device {device!r}; use auto, cpu, cuda or cuda:N")
    return int(number or 0)


def _session(path: Path, providers: list[str], runtime: RuntimeConfig) -> Any:
    import onnxruntime

    if not path.is_file():
        raise WeightsError(f"there is no {path}; only what `export --format onnx` wrote can be run")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = runtime.threads
    gpu = {"device_id": str(device_number(runtime.device))}
    places = [{} if name == "CPUExecutionProvider" else gpu for name in providers]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers, places)
    except Exception as error:  # onnxruntime's own errors have no common base
        raise WeightsError(f"onnxruntime cannot load {path}: {error}") from error
