"""Runs the steps of an exported network, on NumPy's arrays; an engine executes its graphs."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Crop, Frame, HostArray, cut
from s2iammask_core.runtime.exported import FIRST_MASK, Exported
from s2iammask_core.tracking.answer import Answer, answers
from s2iammask_core.tracking.arrays import joined
from s2iammask_core.tracking.frames import on_host
from s2iammask_core.tracking.network import MaskSource
from s2iammask_core.tracking.runner import Search

Inputs: TypeAlias = dict[str, NDArray[Any]]  # of a graph, by name
Outputs: TypeAlias = list[NDArray[Any]]  # in the graph's order


class Engine(Protocol):
    """A library that has loaded the graphs of a folder."""

    @property
    def device(self) -> str:
        """Where it runs, as RuntimeConfig names it."""
        ...

    def sizes(self, most: int) -> tuple[int, ...]:
        """As `runner.StepRunner` has it."""
        ...

    def answer(self, graph: str, calls: Sequence[Inputs]) -> list[Outputs]:
        """What a graph says to each of some inputs; the arrays belong to the caller."""
        ...


class ExportedRunner:
    """Patches are cut on the host; the graphs take one target at a time."""

    def __init__(self, described: Exported, engine: Engine) -> None:
        self._described, self._engine = described, engine

    @property
    def device(self) -> str:
        return self._engine.device

    @property
    def mask_source(self) -> MaskSource:
        return self._described.mask_source

    @property
    def memory_values(self) -> int:
        return self._described.memory_values

    @property
    def first_pixels(self) -> int:
        return self._described.first_pixels

    def sizes(self, most: int) -> tuple[int, ...]:
        return self._engine.sizes(most)

    def templates(
        self, frame: Frame, crop: Crop[HostArray], border: HostArray, masks: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        return self._each("template", cut(on_host(frame), crop, border), {"masks": masks})

    def first_masks(
        self,
        frame: Frame,
        crop: Crop[HostArray],
        border: HostArray,
        boxes: NDArray[np.float32],
        *,
        mirrored: bool,
    ) -> NDArray[np.float32]:
        patches = cut(on_host(frame), crop, border)
        if not mirrored:
            return self._each(FIRST_MASK, patches, {"boxes": boxes})
        both = joined([patches, patches[:, :, ::-1]])
        found = self._each(FIRST_MASK, both, {"boxes": joined([boxes, boxes[:, :, ::-1]])})
        return np.float32(0.5) * (found[: len(boxes)] + found[len(boxes) :, :, ::-1])

    def _each(
        self, graph: str, patches: NDArray[np.uint8], beside: dict[str, NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """What a graph of one output says of each patch, with what else it is given."""
        given: Inputs = {"patches": patches, **beside}
        calls = [{name: each[row : row + 1] for name, each in given.items()} for row in range(len(patches))]
        return joined([found for (found,) in self._engine.answer(graph, calls)])

    def run(self, config: TrackerConfig, searches: Sequence[Search]) -> list[Answer]:
        settings = np.array([getattr(config, name) for name in self._described.live], np.float32)
        calls = [{**inputs, "settings": settings} for search in searches for inputs in _inputs(search)]
        found = self._engine.answer("search", calls)
        return [answers(*outputs)[0] for outputs in found]


def _inputs(search: Search) -> list[Inputs]:
    """Those of each window of a search."""
    patches = cut(on_host(search.frame), search.aim.crop, search.aim.border)
    columns = zip(search.kernels, patches, search.aim.packed(), strict=True)
    return [
        {"kernels": kernels[None], "patches": patch[None], "aim": aim[None]}
        for kernels, patch, aim in columns
    ]
