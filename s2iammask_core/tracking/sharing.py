"""Proposals that lie almost on each other share a mask: a few regions vote, each for several."""

import torch
from torch import Tensor

from s2iammask_core.box_ops import box_iou, gathered


def shared_regions(rois: Tensor, voting: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Which of K regions stand for all of them, and how many votes each of those has.

    They are chosen one by one, so that the mean overlap of the voting regions with the nearest of them is as
    large as can be; each region gives its vote to the one it overlaps most.

    Args:
        rois: (N, K, 4) x1 y1 x2 y2.
        voting: (N, K) bool, which regions take part.
        count: how many to choose, M; 0, or K and more, means all.

    Returns:
        Regions (N, M, 4) and their votes (N, M) float32, which add up to the number of voting regions.
    """
    if not 0 < count < rois.shape[1]:
        return rois, voting.float()
    overlap = box_iou(rois[:, :, None], rois[:, None]) * (voting[:, :, None] & voting[:, None])
    chosen = _cover(overlap, count)  # (N, M)
    nearest = gathered(overlap, chosen).argmax(dim=1)  # (N, K), in [0, M)
    votes = torch.zeros_like(overlap[:, 0, :count]).scatter_add(1, nearest, voting.float())
    return gathered(rois, chosen), votes


def _cover(overlap: Tensor, count: int) -> Tensor:
    """(N, count): rows of overlap (N, K, K), chosen greedily so that each column is large in one of them."""
    covered = torch.zeros_like(overlap[:, 0])  # (N, K)
    free = torch.zeros_like(covered)  # (N, K): -inf where chosen already
    chosen = []
    for _ in range(count):
        gain = torch.maximum(overlap, covered[:, None]).sum(dim=2) + free  # (N, K)
        best = gain.argmax(dim=1, keepdim=True)  # (N, 1)
        chosen.append(best)
        free = free.scatter(1, best, -torch.inf)
        covered = torch.maximum(covered, gathered(overlap, best)[:, 0])
    return torch.cat(chosen, dim=1)
