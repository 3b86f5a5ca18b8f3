"""The one copy of the weights that all cameras use; it exists from configure to cleanup."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from s2iammask_core import Box, RuntimeConfig, Tracker, TrackerConfig

MakeTracker: TypeAlias = Callable[[str, TrackerConfig, RuntimeConfig], Tracker]
WARM_UP_SIZE = (480, 640)
WARM_UP_STEPS = 3


class Engine:
    """Loads and warms up a tracker; cameras use its siblings."""

    def __init__(
        self, make: MakeTracker, weights: str, config: TrackerConfig, runtime: RuntimeConfig
    ) -> None:
        self._make, self._weights = make, weights
        self.config, self.runtime = config, runtime
        self._tracker = warmed_up(make(weights, config, runtime))
        self.device = self._tracker.device

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


def warmed_up(tracker: Tracker) -> Tracker:
    """The tracker, after steps on a grey image, so that the first real one is as fast as all others."""
    height, width = WARM_UP_SIZE
    frame = np.full((height, width, 3), 128, np.uint8)
    first = tracker.sibling()
    first.start(frame, [Box.from_center(width / 2, height / 2, 80, 60)])
    for _ in range(WARM_UP_STEPS):
        first.track(frame)
    return tracker
