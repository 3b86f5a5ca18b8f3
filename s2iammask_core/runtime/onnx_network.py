"""An exported network, run by onnxruntime; PyTorch then holds no weights and runs no network."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import UnavailableError, WeightsError
from s2iammask_core.runtime.export import DESCRIPTION, Exported
from s2iammask_core.tracking.network import MaskSource, SearchOutput

PROVIDERS = {  # of onnxruntime, by device; the first that can run a node does
    "cpu": ["CPUExecutionProvider"],
    "cuda": ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"],
}


def is_exported(path: Path | str) -> bool:
    """Whether this is a folder of exported graphs, or one of the ONNX files in it."""
    return (_folder(path) / DESCRIPTION).is_file()


def _folder(path: Path | str) -> Path:
    path = Path(path)
    return path.parent if path.suffix == ".onnx" else path


class OnnxNetwork:
    """tracking.network.Network over the graphs of a folder.

    Tensors come from and go to host memory whatever the provider, so that ranking and voting are the CPU's.
    """

    def __init__(self, path: Path | str, runtime: RuntimeConfig = RuntimeConfig()) -> None:
        folder = _folder(path)
        self.description = read_description(folder)
        self.providers = providers_of(runtime.device)
        names = ["template", "search", *(["masks"] if self.mask_source != "none" else [])]
        self._sessions = {name: _session(folder / f"{name}.onnx", self.providers, runtime) for name in names}

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    @property
    def mask_source(self) -> MaskSource:
        return self.description.mask_source

    def template(self, patches: Tensor) -> Tensor:
        return self._run("template", patches)[0]

    def search(self, kernels: Tensor, patches: Tensor) -> SearchOutput:
        scores, deltas, *features = self._run("search", kernels, patches)
        return SearchOutput(scores, deltas, tuple(features))

    def cell_masks(self, output: SearchOutput, cells: Tensor) -> Tensor:
        return self._run("masks", cells, *output.features)[0]

    def roi_masks(self, output: SearchOutput, rois: Tensor) -> Tensor:
        return self._run("masks", rois, *output.features)[0]

    def _run(self, name: str, *values: Tensor) -> list[Tensor]:
        session = self._sessions[name]
        arrays = {
            wanted.name: np.ascontiguousarray(value.numpy())
            for wanted, value in zip(session.get_inputs(), values, strict=True)
        }
        return [torch.from_numpy(found) for found in session.run(None, arrays)]


def read_description(folder: Path) -> Exported:
    """What an exported folder says about itself; WeightsError if it does not."""
    try:
        return Exported(**json.loads((folder / DESCRIPTION).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(
            f"{folder} holds no exported network: {error}; make one: s2iammask export"
        ) from error


def providers_of(device: str) -> list[str]:
    """The providers for a device that this onnxruntime has; UnavailableError for a GPU without one."""
    try:
        import onnxruntime
    except ImportError as error:
        raise UnavailableError(
            "an exported network needs onnxruntime: pip install s2iammask[export]"
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


def _session(path: Path, providers: list[str], runtime: RuntimeConfig) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = runtime.threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers)
    except Exception as error:  # onnxruntime's own errors have no common base
        raise WeightsError(f"onnxruntime cannot load {path}: {error}") from error
