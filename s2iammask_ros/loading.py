"""Weights for the node: compared with their manifest before they are read."""

import json
from pathlib import Path

from s2iammask_core import RuntimeConfig, Tracker, TrackerConfig, load_tracker
from s2iammask_core.errors import WeightsError
from s2iammask_core.model.checkpoint import MANIFEST, verify
from s2iammask_core.runtime import default_weights


def make_tracker(weights: str, config: TrackerConfig, runtime: RuntimeConfig) -> Tracker:
    """A tracker with the weights of a file or, for "", those of the package.

    WeightsError if the file is missing, or its sha256 is not that of the manifest beside it. A file that no
    manifest names, such as one of a training of your own, is taken as it is.
    """
    path = Path(weights) if weights else default_weights()
    if not path.exists():
        raise WeightsError(f"there are no weights at {path}; set the parameter weights to a file")
    if path.name in named(path.parent / MANIFEST):
        verify(path)
    return load_tracker(path, config=config, runtime=runtime)


def named(manifest: Path) -> frozenset[str]:
    """The files that a manifest names; none if it is not there."""
    if not manifest.is_file():
        return frozenset()
    try:
        return frozenset(json.loads(manifest.read_text()))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"cannot read the manifest {manifest}: {error}") from error
