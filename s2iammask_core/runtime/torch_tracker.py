"""From a network of PyTorch to a tracker."""

import torch

from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.devices import device_named, format_named
from s2iammask_core.errors import UnavailableError
from s2iammask_core.model import SiameseNetwork
from s2iammask_core.runtime.compiled import CompiledNetwork, compiled_work
from s2iammask_core.runtime.fused import fuse, wants_fusion
from s2iammask_core.runtime.graph import GraphRunner
from s2iammask_core.runtime.machine import usable_cores
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.runtime.shared_head import share_first_layers
from s2iammask_core.runtime.winograd import use_winograd
from s2iammask_core.tracking.confidence import ConfidenceModel
from s2iammask_core.tracking.eager import EagerRunner
from s2iammask_core.tracking.runner import StepRunner
from s2iammask_core.tracking.tracker import Tracker


def make_tracker(
    network: SiameseNetwork,
    config: TrackerConfig = TrackerConfig(),
    runtime: RuntimeConfig = RuntimeConfig(),
    confidence: ConfidenceModel | None = None,
) -> Tracker:
    """A tracker that runs this network as the runtime says; the network is changed for that."""
    torch.set_num_threads(runtime.threads or min(torch.get_num_threads(), usable_cores()))
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = runtime.precision == "tf32"
    prepared = prepare(network, runtime)
    name = chosen_name(runtime.runtime, prepared.device)
    return Tracker.of(prepared, config, runner_named(name, prepared), confidence, name)


def prepare(network: SiameseNetwork, runtime: RuntimeConfig) -> PreparedNetwork:
    """The network, which is changed for that, on the runtime's device in its number format."""
    place = device_named(runtime.device)
    prepared = PreparedNetwork(network, place, format_named(runtime.precision, place))
    if wants_fusion(prepared, runtime.runtime):
        fuse(prepared)
    if place.type == "cpu":
        share_first_layers(prepared.module)
    if place.type == "cpu" and runtime.runtime != "compiled":  # Inductor has convolutions of its own
        use_winograd(prepared.module)
        use_winograd(prepared.searches)
    return prepared


def chosen_name(name: str, device: torch.device) -> str:
    """auto: a CUDA graph on a GPU, step by step on a CPU."""
    if name != "auto":
        return name
    return "graph" if device.type == "cuda" else "eager"


def runner_named(name: str, network: PreparedNetwork) -> StepRunner:
    """UnavailableError for a graph without a GPU."""
    if name == "compiled":
        on_gpu = network.device.type == "cuda"
        return (
            GraphRunner(network, make_work=compiled_work) if on_gpu else EagerRunner(CompiledNetwork(network))
        )
    if name == "graph" and network.device.type != "cuda":
        raise UnavailableError("runtime graph needs a CUDA device; use eager or compiled")
    return GraphRunner(network) if name == "graph" else EagerRunner(network)
