"""From a weights file to a tracker."""

import json
from dataclasses import replace
from pathlib import Path

import torch

from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import UnavailableError, WeightsError
from s2iammask_core.model import SiameseNetwork, checkpoint
from s2iammask_core.runtime.compiled import CompiledNetwork
from s2iammask_core.runtime.devices import device_named, format_named
from s2iammask_core.runtime.graph import GraphRunner
from s2iammask_core.runtime.onnx_network import OnnxNetwork, is_exported
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.runtime.shared_head import share_first_layers
from s2iammask_core.runtime.winograd import use_winograd
from s2iammask_core.tracking.confidence import ConfidenceModel
from s2iammask_core.tracking.step import EagerRunner, StepRunner
from s2iammask_core.tracking.tracker import Tracker

USUAL = "s2iammask"  # of the weights that come with the package


def weights_file(weights: Path | str = "") -> Path:
    """The path that is named; for `s2iammask` (also for ""), which comes with the package, that of its file.

    The file may be missing: it is not looked at.
    """
    shipped = _shipped_folder() / f"{weights or USUAL}.safetensors"
    is_name = Path(weights).name == str(weights) and not Path(weights).exists()
    return shipped if not weights or (is_name and shipped.is_file()) else Path(weights)


def _shipped_folder() -> Path:
    """In the package's own folder where it is installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    folder = package / "weights"
    return folder if folder.is_dir() else package.parent / "weights"


def checked_weights(weights: Path | str = "") -> Path:
    """What `weights_file` says, after a look at the manifest beside it.

    WeightsError if it is missing, or its sha256 is not the one there. A file that no manifest names, such as
    one of a training of your own, is taken as it is.
    """
    path = weights_file(weights)
    if not path.exists():
        raise WeightsError(f"there are no weights at {path}; name a file that is there")
    if checkpoint.is_named(path):
        checkpoint.verify(path)
    return path


def load_tracker(
    weights: Path | str = "",
    *,
    device: str | None = None,
    config: TrackerConfig = TrackerConfig(),
    runtime: RuntimeConfig = RuntimeConfig(),
) -> Tracker:
    """A tracker with the weights of a file, or of a name as for `weights_file`.

    A folder that `s2iammask export --format onnx` wrote is run by onnxruntime. `device` is short for the
    runtime's device. WeightsError if the file cannot be read, UnavailableError if the device or runtime is
    not there.
    """
    weights = weights_file(weights)
    runtime = replace(runtime, device=device or runtime.device)
    if is_exported(weights):
        exported = OnnxNetwork(weights, runtime)
        return Tracker(exported, config, confidence=_confidence(exported.description.notes, weights))
    network, notes = checkpoint.load(weights)
    return make_tracker(network, config, runtime, _confidence(notes, weights))


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
    torch.backends.cudnn.benchmark = True
    prepared = prepare(network, runtime)
    return Tracker(prepared, config, runner_named(runtime.runtime, prepared), confidence)


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
    """auto: a CUDA graph on a GPU, step by step on a CPU; UnavailableError for a graph without a GPU."""
    on_gpu = network.device.type == "cuda"
    if name == "compiled":
        return EagerRunner(CompiledNetwork(network))
    if name == "graph" and not on_gpu:
        raise UnavailableError("runtime graph needs a CUDA device; use eager or compiled")
    return GraphRunner(network) if on_gpu and name != "eager" else EagerRunner(network)


def _confidence(notes: dict[str, str], weights: Path | str) -> ConfidenceModel | None:
    """The calibrated confidence that a weights file carries, if it does."""
    if "confidence" not in notes:
        return None
    try:
        return ConfidenceModel(
            **{name: float(value) for name, value in json.loads(notes["confidence"]).items()}
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"the confidence values in {weights} cannot be read: {error}") from error
