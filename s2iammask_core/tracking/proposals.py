"""From score and box maps to the K proposals whose masks vote."""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from s2iammask_core.anchors import anchor_grid, decode
from s2iammask_core.box_ops import box_iou, gathered, to_corners
from s2iammask_core.tracking.aim import Aim
from s2iammask_core.tracking.network import SearchOutput
from s2iammask_core.tracking.settings import Number, StepSettings

LARGEST_GROWTH = 4.0  # of the logarithm of a side, so that wild box deltas stay finite


@dataclass(frozen=True, slots=True)
class Proposals:
    """The best K candidate boxes of N search patches, the best first."""

    boxes: Tensor  # (N, K, 4) x1 y1 x2 y2, patch pixels
    kept: Tensor  # (N, K) bool; False where too few candidates were left
    best: Tensor  # (N,) flat index of the first: anchor, row, column
    score: Tensor  # (N,) probability of the first, in [0, 1]
    rate: Tensor  # (N,) its probability times its penalty: how far its size is believed, in [0, 1]


def propose(output: SearchOutput, aim: Aim[Tensor], settings: StepSettings) -> Proposals:
    """Ranks all candidates by score, penalty, window and overlap with the previous box; keeps the first K.

    Until they are chosen, their four numbers lie in rows, as the network gives them.
    """
    pixels, cells = aim.crop.pixels, output.scores.shape[-1]
    anchors, window = _grid(cells, pixels, output.scores.device)
    probability = object_probability(output.scores)  # (N, A * S * S)
    candidates = _decoded(output.deltas, anchors)  # (N, 4, A * S * S) cx cy w h
    corners = to_corners(candidates, dim=1)
    believed = probability * penalty(candidates[:, 2:], aim, settings.penalty_k)
    ranked = torch.lerp(believed, window.expand_as(believed), aim.window[:, None])
    overlap = box_iou(corners, aim.crop.to_patch(aim.previous)[..., None], dim=1)
    ranked = torch.lerp(ranked, overlap, aim.temporal[:, None]).nan_to_num(nan=-1.0)
    chosen, kept = choose(ranked, corners, settings)
    best = chosen[:, 0]
    pick = best[:, None]
    return Proposals(
        corners.gather(2, chosen[:, None].expand(-1, 4, -1)).transpose(1, 2),
        kept,
        best,
        probability.gather(1, pick)[:, 0],
        believed.gather(1, pick)[:, 0],
    )


# or each compiled step would make it anew, on the host
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _grid(cells: int, pixels: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Anchors (4, A * S * S) cx cy w h in patch pixels, and the cosine window over them (A * S * S,)."""
    return _kept_grid(cells, pixels, device)


@cache  # for good: captured steps read it where it lies
def _kept_grid(cells: int, pixels: int, device: torch.device) -> tuple[Tensor, Tensor]:
    anchors = anchor_grid(cells)
    anchors[:, :2] += pixels / 2
    window = cosine_window(cells).to(device).repeat(len(anchors) // cells**2)
    return anchors.T.contiguous().to(device), window


def cosine_window(cells: int) -> Tensor:
    """(S * S,): 1 in the middle of the score map, 0 at its edges."""
    edge = torch.hann_window(cells, periodic=False, dtype=torch.float64)
    return torch.outer(edge, edge).flatten().float()


def object_probability(scores: Tensor) -> Tensor:
    """(N, A * S * S) in [0, 1] from logits (N, 2, A, S, S)."""
    return torch.sigmoid(scores[:, 1] - scores[:, 0]).flatten(1)  # the softmax of two


def _decoded(deltas: Tensor, anchors: Tensor) -> Tensor:
    """Candidates (N, 4, A * S * S) cx cy w h, patch pixels, from box deltas (N, 4, A, S, S)."""
    shifts, growths = deltas.flatten(2).chunk(2, dim=1)
    return decode(torch.cat([shifts, growths.clamp(max=LARGEST_GROWTH)], dim=1), anchors[None], dim=1)


def penalty(sizes: Tensor, aim: Aim[Tensor], strength: Number) -> Tensor:
    """In (0, 1], (N, M): 1 for candidate sizes (N, 2, M) of the target's own scale and aspect (SiamRPN)."""
    expected = (aim.sizes * aim.crop.scale[:, None])[..., None]  # (N, 2, 1), patch pixels
    scale = _change(_mean_side(sizes) / _mean_side(expected))
    aspect = _change((expected[:, 0] / expected[:, 1]) * (sizes[:, 1] / sizes[:, 0]))
    return torch.exp(-(scale * aspect - 1) * strength)


def _mean_side(sizes: Tensor) -> Tensor:
    return (sizes + sizes.sum(dim=1, keepdim=True) / 2).prod(dim=1).sqrt()


def _change(ratio: Tensor) -> Tensor:
    return torch.maximum(ratio, 1 / ratio)


def choose(ranked: Tensor, corners: Tensor, settings: StepSettings) -> tuple[Tensor, Tensor]:
    """Indices (N, K) of the best candidates of (N, 4, M), and whether each is one (N, K)."""
    if settings.proposal_nms < 1:
        return suppress(ranked, corners.transpose(1, 2), settings.proposals, settings.proposal_nms)
    chosen = ranked.topk(settings.proposals, dim=1).indices
    return chosen, torch.ones_like(chosen, dtype=torch.bool)


def suppress(ranked: Tensor, corners: Tensor, count: int, overlap: float) -> tuple[Tensor, Tensor]:
    """Greedy non-maximum suppression for the first `count` boxes of each row.

    The same choice as torchvision's, but of fixed shape and without a host round trip, as a captured step
    needs it.
    """
    chosen, kept = [], []
    for _ in range(count):
        value, best = ranked.max(dim=1, keepdim=True)  # each (N, 1)
        chosen.append(best)
        kept.append(value > -torch.inf)
        winner = gathered(corners, best)  # (N, 1, 4)
        near = box_iou(corners, winner).scatter(1, best, 1.0) > overlap  # of an empty one too
        ranked = ranked.masked_fill(near, -torch.inf)
    return torch.cat(chosen, dim=1), torch.cat(kept, dim=1)
