"""The vote: K region masks pasted into the patch, binarised one by one and counted."""

from dataclasses import dataclass

import torch
from torch import Tensor

from s2iammask_core.box_ops import to_centers, to_corners
from s2iammask_core.sampling import paste
from s2iammask_core.tracking.colour_evidence import colour_evidence, shades
from s2iammask_core.tracking.settings import SLACK, Number, StepSettings

SMALLEST_REGION = 1.0  # patch pixels; a thinner region has no mask to vote with


@dataclass(frozen=True, slots=True)
class Votes:
    """What the masks of N patches say together; a pixel's share of the votes is levels / voters."""

    levels: Tensor  # (N, P, P) uint8
    reach: Tensor  # (N, P, P) uint8, the same at reach_threshold: where else the object might be
    voters: Tensor  # (N,) float32: level of a unanimous pixel, 0 if nobody voted
    agreement: Tensor  # (N,) mean overlap of the single masks with the voted one, in [0, 1]


def regions(proposals: Tensor, settings: StepSettings, pixels: int) -> Tensor:
    """Proposals (N, K, 4) enlarged about their centres and clamped to the patch, for the mask head."""
    centers = to_centers(proposals)
    sides = centers[..., 2:] * settings.roi_scale
    return to_corners(torch.cat([centers[..., :2], sides], dim=-1)).clamp(0, pixels)


def solid(rois: Tensor) -> Tensor:
    """(N, K) bool: whether regions (N, K, 4) are large enough to vote."""
    return ((rois[..., 2:] - rois[..., :2]) >= SMALLEST_REGION).all(dim=-1)


def vote(masks: Tensor, rois: Tensor, votes: Tensor, patches: Tensor, settings: StepSettings) -> Votes:
    """Counts the masks (N, K, M, M), in [0, 1], of regions (N, K, 4), each with its number of votes (N, K).

    Where the patch (N, 3, P, P), RGB 0..255, shows colours of the object, a mask needs to be less sure, and
    surer where it shows those of the surroundings (colour_weight).

    On a CPU the targets vote one after the other, because the pasted masks of one fit into its cache; a graph
    that is being made of this has no such loop, since it is for any number of targets.
    """
    votes = votes.float()
    is_recorded = torch.onnx.is_in_onnx_export() or torch.compiler.is_compiling()
    if is_recorded or masks.device.type != "cpu" or len(masks) == 1:
        return _vote(masks, rois, votes, patches, settings)
    parts = zip(masks.split(1), rois.split(1), votes.split(1), patches.split(1), strict=True)
    singles = [_vote(*each, settings) for each in parts]
    return Votes(
        torch.cat([single.levels for single in singles]),
        torch.cat([single.reach for single in singles]),
        torch.cat([single.voters for single in singles]),
        torch.cat([single.agreement for single in singles]),
    )


def _vote(masks: Tensor, rois: Tensor, votes: Tensor, patches: Tensor, settings: StepSettings) -> Votes:
    pasted = paste(masks * (votes > 0)[..., None, None], rois, settings.search_pixels)
    voters = votes.sum(dim=1)  # (N,)
    reach = _counts(votes, pasted.gt(settings.reach_threshold))
    levels = _counts(votes, pasted.gt(_thresholds(pasted, votes, patches, settings)))
    ballots = pasted.gt_(settings.mask_threshold).flatten(2)  # (N, K, P * P), 0 or 1
    voted = is_foreground(_counts(votes, ballots).flatten(1), voters[:, None], settings).float()
    common = (ballots @ voted[..., None])[..., 0]  # (N, K)
    union = ballots.sum(dim=2) + voted.sum(dim=1, keepdim=True) - common
    agreement = (votes * common / union.clamp(min=1)).sum(dim=1) / voters.clamp(min=1)
    wide = torch.maximum(levels, reach).round().to(torch.uint8)
    return Votes(levels.round().to(torch.uint8), wide, voters, agreement)


def _thresholds(pasted: Tensor, votes: Tensor, patches: Tensor, settings: StepSettings) -> Number:
    """Above which a pixel of a mask votes, (N, 1, P, P): at odds that its colour raises or lowers."""
    if isinstance(settings.colour_weight, float) and settings.colour_weight == 0:
        return settings.mask_threshold
    together = _counts(votes, pasted).flatten(1) / votes.sum(dim=1, keepdim=True).clamp(min=1)  # (N, P * P)
    seen = shades(patches)
    needed = (settings.colour_weight * -colour_evidence(seen, together)).exp() * settings.mask_threshold
    by_shade = needed / (needed + 1 - settings.mask_threshold)
    first = torch.arange(by_shade.shape[0], device=seen.device)[:, None] * by_shade.shape[1]
    return by_shade.flatten()[seen + first].reshape(-1, 1, *pasted.shape[2:])


def _counts(votes: Tensor, ballots: Tensor) -> Tensor:
    """(N, ...): the votes (N, K) of the masks that have a pixel, by ballots (N, K, ...)."""
    counts: Tensor = votes[:, None] @ ballots.float().flatten(2)
    return counts.reshape(counts.shape[0], *ballots.shape[2:])


def is_foreground(votes: Tensor, voters: Tensor, settings: StepSettings) -> Tensor:
    """Where enough of the voters voted; nowhere if there are none."""
    return (votes >= voters * settings.vote_fraction - SLACK) & (votes > 0)
