"""One tracking step as a pure function of tensors: patches in, one packed answer out.

No step waits for the host and all shapes are static, so it can be captured as a CUDA graph or compiled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2iammask_core.boxes import cell_windows
from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Crop, Frame, cut, paste
from s2iammask_core.tracking.aim import Aim
from s2iammask_core.tracking.frames import on_device, on_host
from s2iammask_core.tracking.network import Network, SearchOutput
from s2iammask_core.tracking.proposals import Proposals, propose
from s2iammask_core.tracking.sharing import shared_regions
from s2iammask_core.tracking.voting import Votes, regions, solid, vote

FIGURES = 9  # float32 values at the head of a packed answer
FULL_LEVEL = 255  # of a mask that is not voted on: its probability in 255ths


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step says about one patch, on the host."""

    box: tuple[float, float, float, float]  # the best proposal, x1 y1 x2 y2, patch pixels
    score: float  # [0, 1]
    rate: float  # [0, 1], score times penalty
    agreement: float  # [0, 1]
    voters: float  # level of a pixel that all masks call object
    best: int  # flat index of the best proposal: anchor, row, column
    levels: NDArray[np.uint8]  # (P, P), or (0, 0) for networks without masks
    reach: NDArray[np.uint8]  # the same, of the wider mask


def step(network: Network, config: TrackerConfig, patches: Tensor, kernels: Tensor, aim: Tensor) -> Tensor:
    """Packed answers (N, bytes) uint8 for search patches (N, 3, P, P), kernels and packed aims (N, 14)."""
    output = network.search(kernels, patches)
    proposals = propose(output, Aim.unpacked(aim, config.search_pixels), config)
    return _packed(proposals, _votes(network, config, output, proposals))


def step_in_frame(
    network: Network, config: TrackerConfig, frame: Tensor, kernels: Tensor, aim: Tensor
) -> Tensor:
    """The same from a uint8 frame (H, W, 3) on the network's device; the patches are cut there."""
    where = Aim.unpacked(aim, config.search_pixels)
    return step(network, config, cut(frame, where.crop, where.border), kernels, aim)


def _votes(network: Network, config: TrackerConfig, output: SearchOutput, proposals: Proposals) -> Votes:
    if network.mask_source == "roi":
        rois = regions(proposals.boxes, config, config.search_pixels)
        rois, votes = shared_regions(rois, proposals.kept & solid(rois), config.mask_regions)
        return vote(network.roi_masks(output, rois).sigmoid(), rois, votes, config)
    certain = torch.ones_like(proposals.score)
    if network.mask_source == "cell":
        levels = _cell_levels(network, config, output, proposals.best)
        return Votes(levels, levels, certain * FULL_LEVEL, certain)
    nothing = certain.new_empty((len(certain), 0, 0), dtype=torch.uint8)
    return Votes(nothing, nothing, certain, certain)


def _cell_levels(network: Network, config: TrackerConfig, output: SearchOutput, best: Tensor) -> Tensor:
    """(N, P, P) uint8: the mask of the best proposal's score cell, in 255ths."""
    cells, pixels = output.scores.shape[-1], config.search_pixels
    cell = best % cells**2
    masks = network.cell_masks(output, cell).sigmoid()
    windows = cell_windows(cell, cells, pixels, config.template_pixels)
    pasted = paste(masks[:, None], windows[:, None], pixels)[:, 0]
    return (pasted * FULL_LEVEL).round().to(torch.uint8)


def _packed(proposals: Proposals, votes: Votes) -> Tensor:
    columns = [proposals.score, proposals.rate, votes.agreement, votes.voters, proposals.best.float()]
    figures = torch.cat([proposals.boxes[:, 0].float(), torch.stack(columns, dim=1).float()], dim=1)
    maps = (votes.levels.flatten(1), votes.reach.flatten(1))
    return torch.cat([figures.contiguous().view(torch.uint8), *maps], dim=1)


def unpacked(packed: NDArray[np.uint8]) -> list[Answer]:
    """The answers in a packed array (N, bytes)."""
    head = FIGURES * 4
    side = round(((packed.shape[1] - head) / 2) ** 0.5)
    figures = np.ascontiguousarray(packed[:, :head]).view(np.float32)
    maps = packed[:, head:].reshape(len(packed), 2, side, side)
    return [_answer(row.tolist(), pair) for row, pair in zip(figures, maps, strict=True)]


def _answer(figures: list[float], maps: NDArray[np.uint8]) -> Answer:
    x1, y1, x2, y2, score, rate, agreement, voters, best = figures
    return Answer((x1, y1, x2, y2), score, rate, agreement, voters, int(best), *maps)


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched in one frame: N windows, each for its own target."""

    frame: Frame
    kernels: Tensor  # (N, ...) of the targets' templates, on the device
    aim: Aim  # of N windows


def joined(parts: Sequence[Tensor]) -> Tensor:
    """All rows in one tensor; a single part itself."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


class StepRunner(Protocol):
    """How steps are executed; the runtimes have it."""

    def templates(self, frame: Frame, crop: Crop, border: Tensor) -> Tensor:
        """Kernels (N, ...) of the objects in N windows, on the device."""
        ...

    def run(self, config: TrackerConfig, searches: Sequence[Search]) -> NDArray[np.uint8]:
        """Packed answers (N, bytes) on the host, for the windows of all searches in order, in one step."""
        ...


class EagerRunner:
    """Runs the step operation by operation; cuts on the host for a CPU network, else on the device."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def templates(self, frame: Frame, crop: Crop, border: Tensor) -> Tensor:
        return self._network.template(self._cut(frame, crop, border))

    def run(self, config: TrackerConfig, searches: Sequence[Search]) -> NDArray[np.uint8]:
        kernels = joined([search.kernels for search in searches])
        aim = joined([search.aim.packed() for search in searches]).to(kernels.device)
        return step(self._network, config, self.patches(searches), kernels, aim).cpu().numpy()

    def patches(self, searches: Sequence[Search]) -> Tensor:
        """The windows' patches (N, 3, P, P), each cut from its own frame, on the network's device."""
        return joined([self._cut(each.frame, each.aim.crop, each.aim.border) for each in searches])

    def _cut(self, frame: Frame, crop: Crop, border: Tensor) -> Tensor:
        device = self._network.device
        if device.type == "cpu":
            return cut(on_host(frame), crop, border)
        there = Crop(crop.centers.float().to(device), crop.sides.float().to(device), crop.pixels)
        return cut(on_device(frame, device), there, border.float().to(device))
