"""The graphs of an exported folder in onnxruntime: for processors that OpenVINO lacks, and for CUDA."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import ConfigError, UnavailableError, WeightsError
from s2iammask_core.runtime.exported import Exported
from s2iammask_core.runtime.exported_runner import Inputs, Outputs
from s2iammask_core.runtime.machine import usable_cores
from s2iammask_core.runtime.onnx_providers import (
    CPU,
    PROVIDERS,
    TENSORRT,
    Shapes,
    device_number,
    options_of,
    providers_of,
)


class OnnxEngine:
    """One session for each graph; arrays come from and go to the host's memory."""

    def __init__(self, folder: Path, described: Exported, runtime: RuntimeConfig) -> None:
        """UnavailableError without the package or the device, ConfigError for a format that it lacks."""
        in_fp16 = runtime.runtime == "tensorrt" and runtime.precision == "fp16"
        if runtime.precision not in ("auto", described.precision) and not in_fp16:
            raise ConfigError(
                f"onnxruntime runs the network as it was exported, in {described.precision}, not "
                f"{runtime.precision}; leave precision at auto"
            )
        providers = providers_of(runtime.device, runtime.runtime)
        self._number = device_number(runtime.device)
        self._sessions = {
            name: _session(folder / f"{name}.onnx", providers, runtime) for name in described.graphs
        }
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


def _session(path: Path, providers: list[str], runtime: RuntimeConfig) -> Any:
    import onnxruntime

    if not path.is_file():
        raise WeightsError(f"there is no {path}; only what `export --format onnx` wrote can be run")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = runtime.threads or usable_cores()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others may need the core
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
