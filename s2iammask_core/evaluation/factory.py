"""How a worker gets its tracker: recipes that can be sent to another process."""

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import WeightsError
from s2iammask_core.evaluation.identity import IdentityTracker
from s2iammask_core.evaluation.protocols import Runnable

if TYPE_CHECKING:
    from s2iammask_core.tracking.tracker import Tracker


class TrackerFactory(Protocol):
    """A recipe for a tracker."""

    def make(self) -> Runnable:
        """A new tracker."""
        ...

    def describe(self) -> dict[str, object]:
        """Everything that the results depend on, for comparison: plain numbers and strings."""
        ...


class ConfigurableFactory(TrackerFactory, Protocol):
    """A recipe that can be had with other settings."""

    def configured(self, config: TrackerConfig) -> TrackerFactory: ...


@dataclass(frozen=True, slots=True)
class IdentityFactory:
    """The tracker that never moves."""

    def make(self) -> Runnable:
        return IdentityTracker()

    def describe(self) -> dict[str, object]:
        return {"tracker": "identity"}


@dataclass(frozen=True, slots=True)
class WeightsFactory:
    """The tracker with the weights of a file."""

    weights: str
    source: str = ""  # the file that these weights were made of, if they are a copy
    config: TrackerConfig = TrackerConfig()
    runtime: RuntimeConfig = RuntimeConfig()

    def configured(self, config: TrackerConfig) -> "WeightsFactory":
        return replace(self, config=config)

    def make(self) -> "Tracker":
        from s2iammask_core import load_tracker  # takes seconds, which scoring alone should not

        return load_tracker(self.weights, config=self.config, runtime=self.runtime)

    def describe(self) -> dict[str, object]:
        runtime = {"runtime": self.runtime.runtime, "precision": self.runtime.precision}
        return {"weights": _digest(Path(self.source or self.weights)), **asdict(self.config), **runtime}


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of the files in a folder; WeightsError if it cannot be read."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    except OSError as error:
        raise WeightsError(f"cannot read the weights {path}: {error}") from error
