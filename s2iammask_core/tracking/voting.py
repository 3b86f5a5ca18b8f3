"""The vote: K region masks pasted into the patch, binarised one by one and counted."""

from dataclasses import dataclass

import torch
from torch import Tensor

from s2iammask_core import boxes
from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import paste

SMALLEST_REGION = 1.0  # patch pixels; a thinner region has no mask to vote with
SLACK = 1e-4  # so that 6 of 10 votes is a share of 0.6 in floating point as well


@dataclass(frozen=True, slots=True)
class Votes:
    """What the masks of N patches say together; a pixel's share of the votes is levels / voters."""

    levels: Tensor  # (N, P, P) uint8
    reach: Tensor  # (N, P, P) uint8, the same at reach_threshold: where else the object might be
    voters: Tensor  # (N,) float32: level of a unanimous pixel, 0 if nobody voted
    agreement: Tensor  # (N,) mean overlap of the single masks with the voted one, in [0, 1]


def regions(proposals: Tensor, config: TrackerConfig, pixels: int) -> Tensor:
    """Proposals (N, K, 4) enlarged about their centres and clamped to the patch, for the mask head."""
    centers = boxes.to_centers(proposals)
    sides = centers[..., 2:] * config.roi_scale
    return boxes.to_corners(torch.cat([centers[..., :2], sides], dim=-1)).clamp(0, pixels)


def solid(rois: Tensor) -> Tensor:
    """(N, K) bool: whether regions (N, K, 4) are large enough to vote."""
    return ((rois[..., 2:] - rois[..., :2]) >= SMALLEST_REGION).all(dim=-1)


def vote(masks: Tensor, rois: Tensor, votes: Tensor, config: TrackerConfig) -> Votes:
    """Counts the masks (N, K, M, M), in [0, 1], of regions (N, K, 4), each with its number of votes (N, K).

    On a CPU the targets vote one after the other, because the pasted masks of one fit into its cache.
    """
    votes = votes.float()
    if masks.device.type != "cpu" or len(masks) == 1:
        return _vote(masks, rois, votes, config)
    parts = zip(masks.split(1), rois.split(1), votes.split(1), strict=True)
    singles = [_vote(*each, config) for each in parts]
    return Votes(
        torch.cat([single.levels for single in singles]),
        torch.cat([single.reach for single in singles]),
        torch.cat([single.voters for single in singles]),
        torch.cat([single.agreement for single in singles]),
    )


def _vote(masks: Tensor, rois: Tensor, votes: Tensor, config: TrackerConfig) -> Votes:
    pasted = paste(masks * (votes > 0)[..., None, None], rois, config.search_pixels)
    reach = _counts(votes, pasted.gt(config.reach_threshold).float().flatten(2))
    ballots = pasted.gt_(config.mask_threshold).flatten(2)  # (N, K, P * P), 0 or 1
    counts, voters = _counts(votes, ballots), votes.sum(dim=1)  # (N, P * P), (N,)
    voted = is_foreground(counts, voters[:, None], config).float()
    common = (ballots @ voted[..., None])[..., 0]  # (N, K)
    union = ballots.sum(dim=2) + voted.sum(dim=1, keepdim=True) - common
    agreement = (votes * common / union.clamp(min=1)).sum(dim=1) / voters.clamp(min=1)
    size = (len(counts), *pasted.shape[2:])
    levels = counts.round().to(torch.uint8).reshape(size)
    wide = torch.maximum(counts, reach).round().to(torch.uint8).reshape(size)
    return Votes(levels, wide, voters, agreement)


def _counts(votes: Tensor, ballots: Tensor) -> Tensor:
    """(N, P * P): the votes (N, K) of the masks that have a pixel, by ballots (N, K, P * P)."""
    return (votes[:, None] @ ballots)[:, 0]


def is_foreground(votes: Tensor, voters: Tensor, config: TrackerConfig) -> Tensor:
    """Where enough of the voters voted; nowhere if there are none."""
    return (votes >= voters * config.vote_fraction - SLACK) & (votes > 0)
