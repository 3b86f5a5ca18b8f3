"""Losses, normalised over all processes of a run, so that they do not depend on how many there are."""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from s2iammask_core.training.targets import AnchorLabels, Regions


def joint_mean(total: Tensor, count: Tensor) -> Tensor:
    """Total / count with both summed over all processes, as far as gradients go; 0 where nothing is counted.

    The gradients that DistributedDataParallel averages then are those of one process with the joint batch.
    """
    count = count.detach().float().clone()
    processes = 1
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(count)
        processes = dist.get_world_size()
    return total * torch.where(count > 0, processes / count.clamp(min=1e-12), 0.0)  # no host waits for it


def score_loss(scores: Tensor, labels: AnchorLabels) -> Tensor:
    """Half the mean negative log-likelihood of the positives, and half that of the negatives.

    Args:
        scores: (N, 2, A, S, S) logits.
    """
    log = scores.flatten(2).log_softmax(dim=1)  # (N, 2, K)
    positive, negative = labels.classes == 1, labels.classes == 0
    found = joint_mean(-torch.where(positive, log[:, 1], 0).sum(), positive.sum())
    missed = joint_mean(-torch.where(negative, log[:, 0], 0).sum(), negative.sum())
    return 0.5 * found + 0.5 * missed


def box_loss(deltas: Tensor, labels: AnchorLabels) -> Tensor:
    """Mean over pairs of the mean absolute error (summed over the 4 coordinates) of a pair's positives.

    Args:
        deltas: (N, 4, A, S, S).
    """
    error = (deltas.flatten(2).transpose(1, 2) - labels.deltas).abs().sum(dim=2)  # (N, K)
    return joint_mean((error * labels.weights).sum(), error.new_full((), len(error)))


def mask_loss(logits: Tensor, windows: Tensor) -> Tensor:
    """Soft-margin loss of mask logits (M, h, w) against labels -1, 1 or 0 (outside the patch, or unknown;
    adds a constant).
    """
    return joint_mean(F.softplus(-logits * windows).sum(), logits.new_full((), logits.numel()))


def region_loss(logits: Tensor, regions: Regions) -> Tensor:
    """Mean binary cross-entropy of region masks (N, R, h, w) over what is known, where weights are 1."""
    truth, known = regions.masks.float(), regions.known.float()
    each = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * known
    mean = each.sum(dim=(2, 3)) / known.sum(dim=(2, 3)).clamp(min=1)
    return joint_mean((mean * regions.weights).sum(), regions.weights.sum())


def overlap_loss(logits: Tensor, regions: Regions) -> Tensor:
    """Mean of 1 - IoU of soft masks (N, R, h, w) where weights are 1 (Rahman and Wang 2016).

    Unlike the cross-entropy it does not care how small the object is in its region.
    """
    chance, truth = logits.sigmoid() * regions.known, regions.masks.float()
    both = (chance * truth).sum(dim=(2, 3))
    either = (chance + truth).sum(dim=(2, 3)) - both
    lost = (1 - both / either.clamp(min=1.0)) * regions.weights
    return joint_mean(lost.sum(), regions.weights.sum())


def region_iou(logits: Tensor, regions: Regions) -> Tensor:
    """Mean IoU of thresholded region masks with the true ones, over what is known; for the log."""
    return mask_iou(torch.where(regions.known, logits, -1.0), regions.masks, regions.weights)


def mask_iou(logits: Tensor, masks: Tensor, weights: Tensor) -> Tensor:
    """Mean IoU of thresholded masks (..., h, w) with bool masks, where weights (...) are 1; for the log."""
    answer, truth = logits > 0, masks.bool()
    both = (answer & truth).sum(dim=(-2, -1)).float()
    either = (answer | truth).sum(dim=(-2, -1)).float()
    iou = torch.where(either > 0, both / either.clamp(min=1), 1.0)
    return (iou * weights).sum() / weights.sum().clamp(min=1)
