"""How steps are executed: what the method needs, and the runtimes have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Crop, Frame, HostArray
from s2iammask_core.tracking.aim import Aim
from s2iammask_core.tracking.answer import Answer
from s2iammask_core.tracking.network import MaskSource

Kernels: TypeAlias = Any  # (N, ...) of templates, an array or a tensor; only who made them understands them


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched in one frame: N windows, each for its own target."""

    frame: Frame
    kernels: Kernels  # (N, ...)
    aim: Aim[HostArray]  # of N windows


class StepRunner(Protocol):
    """Has a network, or its graphs, on a device."""

    @property
    def device(self) -> str:
        """As RuntimeConfig names it: cpu or cuda:N."""
        ...

    @property
    def mask_source(self) -> MaskSource: ...

    @property
    def memory_values(self) -> int:
        """As `network.Network` has it."""
        ...

    @property
    def first_pixels(self) -> int:
        """As `network.Network` has it."""
        ...

    def templates(
        self, frame: Frame, crop: Crop[HostArray], border: HostArray, masks: NDArray[np.float32]
    ) -> Kernels:
        """What is remembered (N, V) of the objects in N windows; border (N, 3) is what lies outside the
        frame, and masks (N, T, T) as for `network.Network.template`.
        """
        ...

    def first_masks(
        self,
        frame: Frame,
        crop: Crop[HostArray],
        border: HostArray,
        boxes: NDArray[np.float32],
        *,
        mirrored: bool,
    ) -> NDArray[np.float32]:
        """How far the pixels of N windows are the objects in boxes: `network.Network.first_mask`; mirrored:
        the mean of what the patches and their mirror images say, in twice the time.
        """
        ...

    def sizes(self, most: int) -> tuple[int, ...]:
        """The numbers of windows, up to one that holds so many, whose first step takes longer than others."""
        ...

    def run(self, config: TrackerConfig, searches: Sequence[Search]) -> list[Answer]:
        """The answers for the windows of all searches in order, in one step; the next one overwrites them."""
        ...
