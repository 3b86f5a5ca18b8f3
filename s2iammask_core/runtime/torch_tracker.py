"""From a network of PyTorch to a tracker."""

import torch

from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.devices import device_named, format_named
from s2iammask_core.errors import UnavailableError
from s2iammask_core.model import SiameseNetwork
from s2iammask_core.runtime.compiled import CompiledNetwork, compiled_work
from s2iammask_core.runtime.graph import GraphRunner
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
    if runtime.threads:
        torch.set_num_threads(runtime.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = runtime.precision == "tf32"
    prepared = prepare(network, runtime)
    return Tracker.of(prepared, config, runner_named(runtime.runtime, prepared), confidence)


def prepare(network: SiameseNetwork, runtime: RuntimeConfig) -> PreparedNetwork:
    """The network, which is changed for that, on the runtime's device in its number format."""
    place = device_named(runtime.device)
    prepared = PreparedNetwork(network, place, format_named(runtime.precision, place))
    if place.type == "cpu":
        share_first_layers(prepared.module)
    if place.type == "cpu" and runtime.runtime != "compiled":  # Inductor has convolutions of its own
        use_winograd(prepared.module)
        use_winograd(prepared.searches)
    return prepared


def runner_named(name: str, network: PreparedNetwork) -> StepRunner:
    """auto: a CUDA graph on a GPU, step by step on a CPU; UnavailableError for what cannot be here."""
    on_gpu = network.device.type == "cuda"
    if name == "compiled":
        return (
            GraphRunner(network, make_work=compiled_work) if on_gpu else EagerRunner(CompiledNetwork(network))
        )
    if name == "tensorrt":
        raise UnavailableError("runtime tensorrt runs exported networks: s2iammask export OUT, --weights OUT")
    if name == "graph" and not on_gpu:
        raise UnavailableError("runtime graph needs a CUDA device; use eager or compiled")
    return GraphRunner(network) if on_gpu and name != "eager" else EagerRunner(network)
