"""One way to cut patches and to read the network's answer; the setting `compat` chooses it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from s2iammask_core.boxes import Box
from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Frame
from s2iammask_core.tracking.network import MaskSource
from s2iammask_core.tracking.runner import Kernels
from s2iammask_core.tracking.start import Start
from s2iammask_core.tracking.target import Sighting, Target


@dataclass(frozen=True, slots=True)
class Scene:
    """A frame, and the targets that are looked for in it."""

    frame: Frame
    targets: tuple[Target, ...]  # N, at least one
    kernels: Kernels  # (N, ...) of their templates
    hints: Sequence[Box] = ()  # places where lost ones may be, frame pixels
    search_time: float = math.inf  # seconds that may be spent on looking for lost ones

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the frame."""
        return int(self.frame.shape[0]), int(self.frame.shape[1])


class Method(Protocol):
    """Has a network, but no targets: trackers that share a network share it."""

    @property
    def device(self) -> str:
        """Of the network, as RuntimeConfig names it."""
        ...

    @property
    def mask_source(self) -> MaskSource: ...

    def sizes(self, most: int) -> tuple[int, ...]:
        """As of a StepRunner."""
        ...

    def place(self, start: Start, frame_size: tuple[int, int]) -> Box: ...

    def begin(
        self, frame: Frame, targets: tuple[Target, ...], starts: Sequence[Start], config: TrackerConfig
    ) -> tuple[tuple[Target, ...], Kernels]:
        """Targets at their places in their first frame, as they are remembered from now on, and what is
        remembered of them (N, V).
        """
        ...

    def look(self, scenes: Sequence[Scene], config: TrackerConfig) -> list[list[Sighting]]:
        """For each scene one sighting for each of its targets."""
        ...
