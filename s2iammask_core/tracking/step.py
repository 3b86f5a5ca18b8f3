"""One tracking step as a pure function of tensors: search patches in, figures and two maps of levels out.

No step waits for the host and all shapes are static, so it can be captured as a CUDA graph, compiled or
exported.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from s2iammask_core.anchors import cell_windows
from s2iammask_core.sampling import cut, paste
from s2iammask_core.tracking.aim import Aim
from s2iammask_core.tracking.answer import FULL_LEVEL
from s2iammask_core.tracking.network import Network, SearchOutput
from s2iammask_core.tracking.proposals import Proposals, propose
from s2iammask_core.tracking.settings import StepSettings
from s2iammask_core.tracking.sharing import shared_regions
from s2iammask_core.tracking.voting import Votes, regions, solid, vote


class StepOutput(NamedTuple):
    """What a step says about N patches; `answer.Answer` says what the figures are."""

    figures: Tensor  # (N, FIGURES) float32
    levels: Tensor  # (N, P, P) uint8, or (N, 0, 0) for networks without masks
    reach: Tensor  # the same, of the wider mask


def step(
    network: Network, settings: StepSettings, patches: Tensor, kernels: Tensor, aim: Tensor
) -> StepOutput:
    """Looks for the n-th template in the n-th search patch of (N, 3, P, P), by packed aims (N, COLUMNS)."""
    where = Aim.unpacked(aim, settings.search_pixels)
    output = network.search(kernels, patches, where.prior)
    proposals = propose(output, where, settings)
    votes = _votes(network, settings, patches, output, proposals)
    columns = [proposals.score, proposals.rate, votes.agreement, votes.voters, proposals.best.float()]
    figures = torch.cat([proposals.boxes[:, 0].float(), torch.stack(columns, dim=1).float()], dim=1)
    return StepOutput(figures, votes.levels, votes.reach)


def as_input(patches: Tensor) -> Tensor:
    """Patches (N, P, P, 3) uint8, as a host cuts them, as networks take them: (N, 3, P, P) float32."""
    return patches.float().permute(0, 3, 1, 2)  # in this order the pixels stay where convolutions read them


def patches_in(pixels: Tensor, frames: Tensor, settings: StepSettings, aim: Tensor) -> Tensor:
    """Search patches (N, 3, P, P) out of a store of frames, cut on its device as `sampling.cut` does."""
    where = Aim.unpacked(aim, settings.search_pixels)
    return cut(pixels, frames, where.crop, where.border)


def packed(output: StepOutput) -> Tensor:
    """(N, bytes) uint8, for one copy to the host; `answer.unpacked` is the inverse."""
    figures = output.figures.contiguous().view(torch.uint8)
    return torch.cat([figures, output.levels.flatten(1), output.reach.flatten(1)], dim=1)


def _votes(
    network: Network, settings: StepSettings, patches: Tensor, output: SearchOutput, proposals: Proposals
) -> Votes:
    if network.mask_source == "roi":
        rois = regions(proposals.boxes, settings, settings.search_pixels)
        rois, votes = shared_regions(rois, proposals.kept & solid(rois), settings.mask_regions)
        return vote(network.roi_masks(output, rois).sigmoid(), rois, votes, patches, settings)
    certain = torch.ones_like(proposals.score)
    if network.mask_source == "cell":
        levels = _cell_levels(network, settings, output, proposals.best)
        return Votes(levels, levels, certain * FULL_LEVEL, certain)
    nothing = certain.new_empty((certain.shape[0], 0, 0), dtype=torch.uint8)
    return Votes(nothing, nothing, certain, certain)


def _cell_levels(network: Network, settings: StepSettings, output: SearchOutput, best: Tensor) -> Tensor:
    """(N, P, P) uint8: the mask of the best proposal's score cell, in 255ths."""
    cells, pixels = output.scores.shape[-1], settings.search_pixels
    cell = best % cells**2
    masks = network.cell_masks(output, cell).sigmoid()
    windows = cell_windows(cell, cells, pixels, settings.template_pixels)
    pasted = paste(masks[:, None], windows[:, None], pixels)[:, 0]
    return (pasted * FULL_LEVEL).round().to(torch.uint8)
