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
from s2iammask_core.runtime.onnx_providers import (
    CPU,
    PROVIDERS,
    TENSORRT,
    Shapes,
    device_number,
    options_of,
    providers_of,
)
from s2iammask_core.tracking.answer import Answer, answers
from s2iammask_core.tracking.arrays import joined
from s2iammask_core.tracking.frames import on_host
from s2iammask_core.tracking.network import MaskSource
from s2iammask_core.tracking.runner import Search


class OnnxRunner:
    """The graphs of a folder. Patches are cut on the host, and arrays come from and go to its memory."""

    def __init__(self, path: Path, config: TrackerConfig, runtime: RuntimeConfig) -> None:
        """ConfigError if the graphs were made for others, UnavailableError without the device."""
        folder = folder_of(path)
        self.description = read_description(folder)
        self.description.check(config)
        self.description.check_runtime(runtime)
        providers = providers_of(runtime.device, runtime.runtime)
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


def _session(path: Path, providers: list[str], runtime: RuntimeConfig) -> Any:
    import onnxruntime

    if not path.is_file():
        raise WeightsError(f"there is no {path}; only what `export --format onnx` wrote can be run")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = runtime.threads
    try:
        shapes = _shapes(path) if TENSORRT in providers else {}
        places = [options_of(name, runtime, shapes) for name in providers]
        return onnxruntime.InferenceSession(str(path), options, providers, places)
    except Exception as error:  # onnxruntime's own errors have no common base
        raise WeightsError(f"onnxruntime cannot load {path}: {error}") from error


def _shapes(path: Path) -> Shapes:
    """Those of a graph's inputs."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=[CPU])
    return {each.name: each.shape for each in session.get_inputs()}
