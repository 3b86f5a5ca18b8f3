"""The one copy of the weights that all cameras use; it exists from configure to cleanup."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from s2iammask_core import RuntimeConfig, Tracker, TrackerConfig
from s2iammask_core.runtime import weights_file

MakeTracker: TypeAlias = Callable[[str, TrackerConfig, RuntimeConfig], Tracker]


class Engine:
    """Loads and warms up a tracker; cameras use its siblings."""

    def __init__(
        self, make: MakeTracker, weights: str, config: TrackerConfig, runtime: RuntimeConfig
    ) -> None:
        self._make, self._weights = make, weights
        self.config, self.runtime = config, runtime
        self._tracker = make(weights, config, runtime)
        self._tracker.warm_up()
        self.device = self._tracker.device

    @property
    def about(self) -> dict[str, str]:
        """What runs, how and where; of a path only the name, as it is told to everybody."""
        weights = Path(self._weights).name or weights_file().stem
        return {"weights": weights, "runtime": self._tracker.runtime, "device": self.device}

    def tracker(self) -> Tracker:
        """A new tracker without targets, with the settings that were in force when the network was loaded."""
        return self._tracker.sibling()

    def fall_back(self) -> bool:
        """Loads the network again on the CPU; False if it is there already."""
        if self.device == "cpu":
            return False
        runtime = RuntimeConfig(device="cpu", threads=self.runtime.threads)
        self._tracker = self._make(self._weights, self.config, runtime)
        self.runtime, self.device = runtime, "cpu"
        return True
