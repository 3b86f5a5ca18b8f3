"""What onnxruntime runs graphs with: its providers, the best first, and how each is set up.

No GPU has run the CUDA and TensorRT providers yet.
"""

from collections.abc import Sequence
from pathlib import Path

from s2iammask_core.cache import cache_folder
from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import UnavailableError

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
PROVIDERS = {  # by device; the first that can run a node does
    "cpu": [CPU],
    "cuda": [CUDA, CPU],  # TensorRT builds engines for minutes: only for who asks for it
}
FEWEST, USUAL, MOST = 1, 1, 64  # targets that a TensorRT engine is built for; more would build another one

Shapes = dict[str, Sequence[int | str]]  # of a graph's inputs, by name; a text where a number is free


def providers_of(device: str, runtime: str = "auto") -> list[str]:
    """The providers for a device and a runtime that this onnxruntime has; UnavailableError without them."""
    try:
        import onnxruntime
    except ImportError as error:
        raise UnavailableError(
            "an exported network needs onnxruntime: pip install onnxruntime, or onnxruntime-gpu"
        ) from error
    here = onnxruntime.get_available_providers()
    kind = "cpu" if device == "cpu" else "cuda"
    wanted = [TENSORRT, *PROVIDERS["cuda"]] if runtime == "tensorrt" else PROVIDERS[kind]
    found = [name for name in wanted if name in here]
    if runtime == "tensorrt" and (TENSORRT not in found or device == "cpu"):
        raise UnavailableError(
            f"runtime tensorrt needs a GPU and an onnxruntime with TensorRT: device {device} was asked for, "
            f"and it has {', '.join(here)}; install onnxruntime-gpu and tensorrt"
        )
    if device.startswith("cuda") and found == PROVIDERS["cpu"]:
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


def options_of(provider: str, runtime: RuntimeConfig, shapes: Shapes) -> dict[str, str]:
    """How a provider is set up for a graph with inputs of these shapes."""
    device = {"device_id": str(device_number(runtime.device))}
    if provider == CUDA:
        tf32 = "0" if runtime.precision == "fp32" else "1"
        # the default tries all ways to convolve for each number of targets anew
        return device | {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": tf32}
    if provider == TENSORRT:
        return device | _kept_engines(cache_folder() / "tensorrt", runtime) | _profile(shapes)
    return {}


def _kept_engines(folder: Path, runtime: RuntimeConfig) -> dict[str, str]:
    """Engines and the times of their parts stay on disk: to build one takes minutes.

    fp16 is for who asks for it: TensorRT then rounds counts of pixels and coordinates too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
        "trt_fp16_enable": "1" if runtime.precision == "fp16" else "0",
    }


def _profile(shapes: Shapes) -> dict[str, str]:
    """One engine for any number of targets: without a profile each new number builds another one."""
    free = {name: shape for name, shape in shapes.items() if any(isinstance(side, str) for side in shape)}
    counts = {"min": FEWEST, "opt": USUAL, "max": MOST}
    return {
        f"trt_profile_{which}_shapes": ",".join(f"{name}:{_sized(free[name], count)}" for name in free)
        for which, count in (counts.items() if free else ())
    }


def _sized(shape: Sequence[int | str], count: int) -> str:
    return "x".join(str(count if isinstance(side, str) else side) for side in shape)
