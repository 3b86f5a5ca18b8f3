"""From a weights file to a tracker."""

import json
from pathlib import Path

import torch

from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import WeightsError
from s2iammask_core.model import checkpoint
from s2iammask_core.runtime.devices import device_named, format_named
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.tracking.confidence import ConfidenceModel
from s2iammask_core.tracking.tracker import Tracker

NAME = "s2iammask.safetensors"


def default_weights() -> Path:
    """The weights that come with the package: in its own folder where it is installed, beside it in a
    checkout.
    """
    package = Path(__file__).resolve().parent.parent
    folder = package / "weights"
    return (folder if folder.is_dir() else package.parent / "weights") / NAME


def load_tracker(
    weights: Path | str = "",
    *,
    device: str | None = None,
    config: TrackerConfig = TrackerConfig(),
    runtime: RuntimeConfig = RuntimeConfig(),
) -> Tracker:
    """A tracker with the weights of a file, by default those that come with the package.

    `device` is short for the runtime's device. WeightsError if the file cannot be read, UnavailableError if
    the device or runtime is not there.
    """
    place = device_named(device or runtime.device)
    if runtime.threads:
        torch.set_num_threads(runtime.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = runtime.precision == "tf32"
    network, notes = checkpoint.load(weights or default_weights())
    prepared = PreparedNetwork(network, place, format_named(runtime.precision, place))
    return Tracker(prepared, config, confidence=_confidence(notes, weights))


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
