"""What a machine has for a network, and how each way of running it does here."""

import json
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from s2iammask_core.bench.candidate import Figures, Order
from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import S2iamMaskError
from s2iammask_core.runtime.choice import PYTORCH, candidates, ways
from s2iammask_core.runtime.machine import formats, gpus, processor, usable_cores
from s2iammask_core.runtime.versions import installed
from s2iammask_core.runtime.weights import Weights

PATIENCE = 300.0  # seconds for one way
PATH = re.compile(r"(?<![\w:/.])~?/[^\s'\",;:()]*/([^\s'\",;:()/]+)")
WITH_TORCH = "not installed: pip install s2iammask[torch]"
EXTRAS = {
    **dict.fromkeys(PYTORCH, ("torch", WITH_TORCH)),
    "openvino": ("openvino", "not installed: pip install openvino"),
    "onnxruntime": ("onnxruntime", "not installed: pip install onnxruntime, or onnxruntime-gpu"),
    "tensorrt": ("onnxruntime", "not installed: pip install onnxruntime-gpu"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """How a way of running does."""

    runtime: str
    device: str
    figures: Figures


def machine() -> dict[str, str]:
    """What was found here, in words, by name."""
    return {
        "system": f"{platform.system()} {platform.release()}, {_distribution()}".rstrip(", "),
        "python": platform.python_version(),
        "processor": processor(),
        "cores": f"{usable_cores()} that this process may use",
        "formats": " ".join(formats()) or "unknown",
        "GPU": "; ".join(gpus()) or "none that NVIDIA's driver sees",
        "OpenVINO's devices": _places(),
        **installed(),
    }


def findings(weights: Weights, runtime: RuntimeConfig, frames: int) -> Iterator[Finding]:
    """One for each way, in the order in which auto tries them, as they are found."""
    for way, place in ways(runtime):
        chosen = replace(runtime, runtime=way, device=place)
        yield Finding(way, place, _shown(_figures(weights, chosen, frames)))


def taken(found: list[Finding]) -> Finding | None:
    """The one that auto takes."""
    return next((each for each in found if not each.figures.reason), None)


def without_paths(text: str) -> str:
    """A text in which files are named, but not where they lie."""
    return PATH.sub(r"\1", text)


def _figures(weights: Weights, runtime: RuntimeConfig, frames: int) -> Figures:
    module, remedy = EXTRAS[runtime.runtime]
    if module not in installed():
        return Figures(reason=remedy)
    try:
        way = candidates(weights, runtime)[0]
    except S2iamMaskError as error:
        return Figures(reason=str(error))
    return _measured(
        Order(way.runtime, way.device, str(way.path), runtime.precision, runtime.threads, frames, time.time())
    )


def _measured(order: Order) -> Figures:
    """In a process of its own: memory is that of this way alone, and a crash ends no other."""
    line = [sys.executable, "-m", "s2iammask_core.bench.candidate", json.dumps(asdict(order))]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return Figures(reason=f"no answer in {PATIENCE:g} s")
    if done.returncode == 0:
        return Figures.read(done.stdout.splitlines()[-1])
    if done.returncode < 0:
        return Figures(reason=f"its process was ended by {signal.Signals(-done.returncode).name}")
    last = done.stderr.strip().splitlines() or ["without a word"]
    return Figures(reason=f"its process failed: {last[-1]}")


def _shown(figures: Figures) -> Figures:
    return replace(figures, reason=without_paths(" ".join(figures.reason.split())))


def _distribution() -> str:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME=")), "")


def _places() -> str:
    from s2iammask_core.runtime.openvino_engine import core

    try:
        found = core()
        return "; ".join(
            f"{each} ({found.get_property(each, 'FULL_DEVICE_NAME')})" for each in found.available_devices
        )
    except (S2iamMaskError, RuntimeError) as error:
        return without_paths(str(error))
