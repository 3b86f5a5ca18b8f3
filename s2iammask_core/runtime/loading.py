"""From weights to a tracker that runs them in the best way that there is."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import S2iamMaskError, UnavailableError, WeightsError
from s2iammask_core.runtime.choice import PYTORCH, Candidate, candidates
from s2iammask_core.runtime.exported import Exported, read_description
from s2iammask_core.runtime.exported_runner import Engine, ExportedRunner
from s2iammask_core.runtime.onnx_engine import OnnxEngine
from s2iammask_core.runtime.openvino_engine import OpenvinoEngine
from s2iammask_core.runtime.verification import objection
from s2iammask_core.runtime.weights import forms_of, weights_file
from s2iammask_core.tracking.confidence import ConfidenceModel
from s2iammask_core.tracking.s2iammask import S2iamMaskMethod
from s2iammask_core.tracking.tracker import Tracker

MakeEngine: TypeAlias = Callable[[Path, Exported, RuntimeConfig], Engine]
ENGINES: dict[str, MakeEngine] = {
    "openvino": OpenvinoEngine,
    "onnxruntime": OnnxEngine,
    "tensorrt": OnnxEngine,
}
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A tracker, and what the weights say besides."""

    tracker: Tracker
    notes: dict[str, str]


def load_tracker(
    weights: Path | str = "",
    *,
    device: str | None = None,
    config: TrackerConfig = TrackerConfig(),
    runtime: RuntimeConfig = RuntimeConfig(),
) -> Tracker:
    """A tracker with the weights of a file, of a folder that `s2iammask export` wrote, or of a name as for
    `weights_file`.

    Runtime auto takes the first way that works: each is tried on a drawn scene, and one that fails or answers
    otherwise than the weights say is passed over with a warning. A runtime that is named is never replaced.
    `device` is short for the runtime's device. WeightsError if the weights cannot be read, UnavailableError
    if a device or runtime is not there or does not work, ConfigError for settings that exported graphs lack.
    """
    runtime = replace(runtime, device=device or runtime.device)
    ways = candidates(forms_of(weights_file(weights)), runtime)
    failures: list[S2iamMaskError] = []
    for way in ways:
        found = _tried(way, config, runtime)
        if isinstance(found, Tracker):
            return found
        failures.append(found)
        if len(ways) > 1:
            logger.warning("%s is passed over: %s", way, found)
    raise _joined(ways, failures)


def _tried(way: Candidate, config: TrackerConfig, runtime: RuntimeConfig) -> Tracker | S2iamMaskError:
    try:
        return verified(way, config, runtime)
    except S2iamMaskError as error:
        return error


def verified(way: Candidate, config: TrackerConfig, runtime: RuntimeConfig) -> Tracker:
    """A tracker that runs in this way, if that gives the network's answers; else an error says why not."""
    try:
        found = loaded(way, config, runtime)
        wrong = objection(found.tracker, found.notes)
    except S2iamMaskError:
        raise
    except Exception as error:  # of any library, driver or device
        raise UnavailableError(f"{way} fails: {type(error).__name__}: {error}") from error
    if wrong:
        raise UnavailableError(f"{way} does not work here: {wrong}")
    return found.tracker


def _joined(ways: Sequence[Candidate], failures: Sequence[S2iamMaskError]) -> S2iamMaskError:
    """One error for those of all ways."""
    if len({str(each) for each in failures}) == 1:
        return failures[0]
    reasons = "; ".join(f"{way}: {error}" for way, error in zip(ways, failures, strict=True))
    return UnavailableError(f"no way to run the network works here. {reasons}")


def loaded(way: Candidate, config: TrackerConfig, runtime: RuntimeConfig) -> Loaded:
    """What runs in this way, not verified."""
    chosen = replace(runtime, runtime=way.runtime, device=way.device)
    run = _torch_tracker if way.runtime in PYTORCH else _exported_tracker
    return run(way.path, config, chosen)


def _exported_tracker(folder: Path, config: TrackerConfig, runtime: RuntimeConfig) -> Loaded:
    described = read_description(folder)
    described.check(config)
    method = S2iamMaskMethod(ExportedRunner(described, ENGINES[runtime.runtime](folder, described, runtime)))
    confidence = _confidence(described.notes, folder)
    return Loaded(Tracker(method, config, confidence, runtime.runtime), described.notes)


def _torch_tracker(path: Path, config: TrackerConfig, runtime: RuntimeConfig) -> Loaded:
    try:
        from s2iammask_core.model import checkpoint
        from s2iammask_core.runtime.torch_tracker import make_tracker
    except ImportError as error:
        raise UnavailableError(
            f"{path} needs PyTorch ({error}): pip install s2iammask[torch], or give a folder that "
            "`s2iammask export` wrote"
        ) from error
    network, notes = checkpoint.load(path)
    return Loaded(make_tracker(network, config, runtime, _confidence(notes, path)), notes)


def _confidence(notes: dict[str, str], weights: Path) -> ConfidenceModel | None:
    """The calibrated confidence that weights carry, if they do."""
    if "confidence" not in notes:
        return None
    try:
        return ConfidenceModel(
            **{name: float(value) for name, value in json.loads(notes["confidence"]).items()}
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"the confidence values in {weights} cannot be read: {error}") from error
