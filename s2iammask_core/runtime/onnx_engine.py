"""The graphs of an exported folder in onnxruntime: for processors that OpenVINO lacks, and for CUDA."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import ConfigError, UnavailableError, WeightsError
from s2iammask_core.runtime.exported import GRAPHS, Exported
from s2iammask_core.runtime.exported_runner import Inputs, Outputs
from s2iammask_core.runtime.machine import usable_cores

PROVIDERS = {  # of onnxruntime, by device; the first that can run a node does
    "cpu": ["CPUExecutionProvider"],
    "cuda": ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"],
}


class OnnxEngine:
    """One session for each graph; arrays come from and go to the host's memory."""

    def __init__(self, folder: Path, described: Exported, runtime: RuntimeConfig) -> None:
        """UnavailableError without the package or the device, ConfigError for a format that it lacks."""
        if runtime.precision not in ("auto", described.precision):
            raise ConfigError(
                f"onnxruntime runs the network as it was exported, in {described.precision}, not "
                f"{runtime.precision}; leave precision at auto"
            )
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

    def sizes(self, most: int) -> tuple[int, ...]:
        return (1,)

    def answer(self, graph: str, calls: Sequence[Inputs]) -> list[Outputs]:
        return [self._sessions[graph].run(None, inputs) for inputs in calls]


def providers_of(device: str) -> list[str]:
    """The providers for a device that this onnxruntime has; UnavailableError for a GPU without one."""
    try:
        import onnxruntime
    except ImportError as error:
        raise UnavailableError(
            "runtime onnxruntime needs its package: pip install onnxruntime, or onnxruntime-gpu"
        ) from error
    here = onnxruntime.get_available_providers()
    kind = device.partition(":")[0]
    found = [name for name in PROVIDERS[kind] if name in here]
    if kind == "cuda" and found == PROVIDERS["cpu"]:
        raise UnavailableError(
            f"this onnxruntime has no CUDA; it has {', '.join(here)}: install onnxruntime-gpu"
        )
    return found


def device_number(device: str) -> int:
    """N of cuda:N, 0 of others."""
    return int(device.partition(":")[2] or 0)


def _session(path: Path, providers: list[str], runtime: RuntimeConfig) -> Any:
    import onnxruntime

    if not path.is_file():
        raise WeightsError(f"there is no {path}; only what `export --format onnx` wrote can be run")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = runtime.threads or usable_cores()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others may need the core
    gpu = {"device_id": str(device_number(runtime.device))}
    places = [{} if name == "CPUExecutionProvider" else gpu for name in providers]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers, places)
    except Exception as error:  # onnxruntime's own errors have no common base
        raise WeightsError(f"onnxruntime cannot load {path}: {error}") from error
