"""torch.compile (Inductor): the network on a CPU, the whole step on a GPU."""

import logging
import os
import shutil
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from s2iammask_core.runtime.capture import is_out_of_memory
from s2iammask_core.runtime.captured import StepWork, step_work
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.tracking.network import Network, OfNetwork, SearchOutput
from s2iammask_core.tracking.settings import StepSettings

Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")
COMPILERS = ("c++", "g++", "clang++")

logger = logging.getLogger(__name__)


def has_compiler() -> bool:
    """Whether there is a C++ compiler, without which Inductor cannot work."""
    named = os.environ.get("CXX", "")
    return any(shutil.which(name) for name in (named, *COMPILERS) if name)


def compiled_work(network: Network, settings: StepSettings) -> StepWork:
    """`step_work` compiled as a whole, the crop, the ranking and the votes too, which are hundreds of tiny
    kernels otherwise: for one window, and once more for any number. No GPU has run this yet.
    """
    work = step_work(network, settings)
    return CompiledWork(torch.compile(work, fullgraph=True), work)


class CompiledWork:
    """Does its work as it is from when what was compiled fails, for want of Triton for instance."""

    def __init__(self, compiled: StepWork, plain: StepWork) -> None:
        self._compiled, self._plain = compiled, plain

    def __call__(self, pixels: Tensor, kernels: Tensor, windows: Tensor, live: Tensor) -> Tensor:
        try:
            return self._compiled(pixels, kernels, windows, live)
        except Exception as error:  # of the compiler, or of what it made
            if self._compiled is self._plain or is_out_of_memory(error):
                raise
            first = str(error).strip().partition("\n")[0]
            logger.warning("the step runs uncompiled: %s: %s", type(error).__name__, first)
            self._compiled = self._plain
        return self._plain(pixels, kernels, windows, live)


class CompiledNetwork(OfNetwork):
    """A prepared network on a CPU whose search and region masks are compiled on their first use.

    The targets go through one by one: a batch gains nothing there, and so one compilation, which may take
    minutes, serves any number of targets. Without a compiler it runs as it is.
    """

    def __init__(self, network: PreparedNetwork) -> None:
        super().__init__(network)
        self._search, self._roi_masks = network.search, network.roi_masks
        if not has_compiler():
            logger.warning("no C++ compiler was found; the network runs uncompiled")
            return
        self._search, self._roi_masks = _compiled(network.search), _compiled(network.roi_masks)

    @property
    def device(self) -> torch.device:
        return self._network.device

    def template(self, patches: Tensor, masks: Tensor) -> Tensor:
        return self._network.template(patches, masks)

    def search(self, templates: Tensor, patches: Tensor, prior: Tensor) -> SearchOutput:
        alone = prior.clone(memory_format=torch.contiguous_format)  # for one layout, one compilation
        each = zip(templates.split(1), patches.split(1), alone.split(1), strict=True)
        return _joined([self._search(*single) for single in each])

    def first_mask(self, patches: Tensor, boxes: Tensor) -> Tensor:
        return self._network.first_mask(patches, boxes)

    def cell_masks(self, output: SearchOutput, cells: Tensor) -> Tensor:
        return self._network.cell_masks(output, cells)

    def roi_masks(self, output: SearchOutput, rois: Tensor) -> Tensor:
        pairs = zip(_parted(output), rois.split(1), strict=True)
        return torch.cat([self._roi_masks(*pair) for pair in pairs])


def _compiled(call: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
    return torch.compile(call, dynamic=False, options={"freezing": True})


def _joined(outputs: list[SearchOutput]) -> SearchOutput:
    return SearchOutput(
        torch.cat([each.scores for each in outputs]),
        torch.cat([each.deltas for each in outputs]),
        _joined_parts([each.features for each in outputs]),
    )


def _joined_parts(parts: list[Any]) -> Any:
    """What a network handed on for each target, nested tuples of tensors and of what all share, as one."""
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.cat(parts)
    if isinstance(first, tuple):
        return _like(first, [_joined_parts(list(each)) for each in zip(*parts, strict=True)])
    return first


def _parted(output: SearchOutput) -> list[SearchOutput]:
    return [
        SearchOutput(output.scores[row : row + 1], output.deltas[row : row + 1], _part(output.features, row))
        for row in range(len(output.scores))
    ]


def _part(value: Any, row: int) -> Any:
    if isinstance(value, Tensor):
        return value[row : row + 1]
    return _like(value, [_part(each, row) for each in value]) if isinstance(value, tuple) else value


def _like(made: tuple[Any, ...], values: list[Any]) -> Any:
    """A tuple of the same kind, which may have names."""
    return type(made)(*values) if hasattr(made, "_fields") else tuple(values)
