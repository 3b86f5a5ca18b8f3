"""The network through torch.compile (Inductor)."""

import logging
import os
import shutil
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.tracking.network import MaskSource, SearchOutput

Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")
COMPILERS = ("c++", "g++", "clang++")


def has_compiler() -> bool:
    """Whether there is a C++ compiler, without which Inductor cannot work."""
    named = os.environ.get("CXX", "")
    return any(shutil.which(name) for name in (named, *COMPILERS) if name)


class CompiledNetwork:
    """A prepared network whose search and region masks are compiled on their first use.

    On a CPU the targets go through one by one: a batch gains nothing there, and so one compilation, which may
    take minutes, serves any number of targets. Without a compiler it runs as it is.
    """

    def __init__(self, network: PreparedNetwork) -> None:
        self._network = network
        self._singly = network.device.type == "cpu"
        self._search, self._roi_masks = network.search, network.roi_masks
        if not has_compiler():
            logging.getLogger(__name__).warning("no C++ compiler was found; the network runs uncompiled")
            return
        self._search, self._roi_masks = self._compiled(network.search), self._compiled(network.roi_masks)

    def _compiled(self, call: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
        return torch.compile(call, dynamic=False, options={"freezing": True} if self._singly else {})

    @property
    def device(self) -> torch.device:
        return self._network.device

    @property
    def mask_source(self) -> MaskSource:
        return self._network.mask_source

    def template(self, patches: Tensor) -> Tensor:
        return self._network.template(patches)

    def search(self, kernels: Tensor, patches: Tensor) -> SearchOutput:
        if not self._singly:
            return self._search(kernels, patches)
        singles = [self._search(*each) for each in zip(kernels.split(1), patches.split(1), strict=True)]
        return _joined(singles)

    def cell_masks(self, output: SearchOutput, cells: Tensor) -> Tensor:
        return self._network.cell_masks(output, cells)

    def roi_masks(self, output: SearchOutput, rois: Tensor) -> Tensor:
        if not self._singly:
            return self._roi_masks(output, rois)
        pairs = zip(_parted(output), rois.split(1), strict=True)
        return torch.cat([self._roi_masks(*pair) for pair in pairs])


def _joined(outputs: list[SearchOutput]) -> SearchOutput:
    if len(outputs) == 1:
        return outputs[0]
    features = zip(*(each.features for each in outputs), strict=True)
    return SearchOutput(
        torch.cat([each.scores for each in outputs]),
        torch.cat([each.deltas for each in outputs]),
        tuple(torch.cat(maps) for maps in features),
    )


def _parted(output: SearchOutput) -> list[SearchOutput]:
    parts = zip(*(each.split(1) for each in (output.scores, output.deltas, *output.features)), strict=True)
    return [SearchOutput(scores, deltas, tuple(features)) for scores, deltas, *features in parts]
