"""The ways of running a network, and which of them comes first where."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import ConfigError, UnavailableError
from s2iammask_core.runtime.machine import has_cuda
from s2iammask_core.runtime.weights import Weights

Kind: TypeAlias = str  # of a device: cpu, cuda, or openvino for the others that OpenVINO runs on
PYTORCH = ("graph", "eager", "compiled")  # the others run exported graphs
KINDS: dict[str, tuple[Kind, ...]] = {  # where each way can run
    "graph": ("cuda",),
    "eager": ("cuda", "cpu"),
    "compiled": ("cuda", "cpu"),
    "openvino": ("cpu", "openvino"),
    "onnxruntime": ("cuda", "cpu"),
    "tensorrt": ("cuda",),
}
AUTO: dict[Kind, tuple[str, ...]] = {  # the ways that are taken unasked, the best first
    "cuda": ("graph", "eager", "onnxruntime"),
    "cpu": ("openvino", "eager", "onnxruntime"),
    "openvino": ("openvino",),
}


PLACES: dict[Kind, str] = {  # their devices, as RuntimeConfig names them
    "cpu": "cpu",
    "cuda": "cuda or cuda:N",
    "openvino": "a device of OpenVINO in capitals, such as GPU or NPU",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way of running a network on a device."""

    runtime: str
    device: str
    path: Path  # of the form of the network that it runs

    def __str__(self) -> str:
        return f"runtime {self.runtime} on {self.device}"


def candidates(weights: Weights, runtime: RuntimeConfig) -> list[Candidate]:
    """The ways to try, the best first; at least one.

    A runtime that is named is the only one; auto passes on to the CPU where it had been free to take a GPU.
    UnavailableError or ConfigError if weights, runtime and device do not go together.
    """
    places = _places(runtime)
    kinds = {place: kind_of(place) for place in places}
    if runtime.runtime != "auto":
        return [_named(runtime.runtime, kinds, weights)]
    forms = [(way, place, _form(weights, way)) for way, place in ways(runtime)]
    found = [Candidate(way, place, path) for way, place, path in forms if path]
    if not found:
        raise UnavailableError(f"{weights.path} cannot run on {runtime.device}: {_remedy(weights)}")
    return found


def ways(runtime: RuntimeConfig) -> list[tuple[str, str]]:
    """The ways that are tried, the best first, as (runtime, device), whatever weights there are."""
    if runtime.runtime != "auto":
        return [(runtime.runtime, place) for place in _places(runtime)]
    return [(way, place) for place in _places(runtime) for way in AUTO[kind_of(place)]]


def _places(runtime: RuntimeConfig) -> list[str]:
    if runtime.device != "auto":
        return [runtime.device]
    return ["cuda", "cpu"] if has_cuda() else ["cpu"]


def kind_of(device: str) -> Kind:
    """The kind of a device; UnavailableError for a name that none can have."""
    name, _, number = device.partition(":")
    if device == "cpu" or (name == "cuda" and (number.isdecimal() or name == device)):
        return name
    if device.isupper():
        return "openvino"
    raise UnavailableError(f"there is no device {device!r}; use auto, {', '.join(PLACES.values())}")


def _named(way: str, kinds: dict[str, Kind], weights: Weights) -> Candidate:
    fitting = [place for place, kind in kinds.items() if kind in KINDS[way]]
    if not fitting:
        needed = " or ".join(PLACES[kind] for kind in KINDS[way])
        raise UnavailableError(f"runtime {way} runs on {needed}, not on {', '.join(kinds)}")
    path = _form(weights, way)
    if path is None:
        raise ConfigError(f"runtime {way} cannot run {weights.path}: {_remedy(weights)}")
    return Candidate(way, fitting[0], path)


def _form(weights: Weights, way: str) -> Path | None:
    return weights.file if way in PYTORCH else weights.folder


def _remedy(weights: Weights) -> str:
    """What to do about a form that is missing."""
    if weights.file is None:
        return "that needs the network in PyTorch; give the weights file instead, or leave runtime at auto"
    return f"that needs graphs; s2iammask export {weights.file.with_suffix('')} --weights {weights.file}"
