"""From a weights file to a tracker."""

import json
from dataclasses import replace
from pathlib import Path

from s2iammask_core import manifest
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import UnavailableError, WeightsError
from s2iammask_core.runtime.exported import is_exported
from s2iammask_core.runtime.onnx_runner import OnnxRunner
from s2iammask_core.tracking.confidence import ConfidenceModel
from s2iammask_core.tracking.s2iammask import S2iamMaskMethod
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
    if manifest.is_named(path):
        manifest.verify(path)
    return path


def load_tracker(
    weights: Path | str = "",
    *,
    device: str | None = None,
    config: TrackerConfig = TrackerConfig(),
    runtime: RuntimeConfig = RuntimeConfig(),
) -> Tracker:
    """A tracker with the weights of a file, or of a name as for `weights_file`.

    A folder that `s2iammask export --format onnx` wrote is run by onnxruntime, without PyTorch. `device` is
    short for the runtime's device. WeightsError if the file cannot be read, UnavailableError if the device or
    runtime is not there, ConfigError if an exported folder was made for other settings.
    """
    path = weights_file(weights)
    runtime = replace(runtime, device=device or runtime.device)
    run = _exported_tracker if is_exported(path) else _torch_tracker
    return run(path, config, runtime)


def _exported_tracker(path: Path, config: TrackerConfig, runtime: RuntimeConfig) -> Tracker:
    runner = OnnxRunner(path, config, runtime)
    return Tracker(S2iamMaskMethod(runner), config, _confidence(runner.description.notes, path))


def _torch_tracker(path: Path, config: TrackerConfig, runtime: RuntimeConfig) -> Tracker:
    try:
        from s2iammask_core.model import checkpoint
        from s2iammask_core.runtime.torch_tracker import make_tracker
    except ImportError as error:
        raise UnavailableError(
            f"{path} needs PyTorch ({error}); install it, or give a folder that `s2iammask export` wrote"
        ) from error
    network, notes = checkpoint.load(path)
    return make_tracker(network, config, runtime, _confidence(notes, path))


def _confidence(notes: dict[str, str], weights: Path) -> ConfidenceModel | None:
    """The calibrated confidence that a weights file carries, if it does."""
    if "confidence" not in notes:
        return None
    try:
        return ConfidenceModel(
            **{name: float(value) for name, value in json.loads(notes["confidence"]).items()}
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"the confidence values in {weights} cannot be read: {error}") from error
