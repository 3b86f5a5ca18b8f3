"""What the network should have said: labels of anchors, windows of masks, masks of regions."""

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import batched_nms

from s2iammask_core.anchors import anchor_grid, decode, encode
from s2iammask_core.box_ops import box_iou, to_centers, to_corners
from s2iammask_core.data.augment import Batch
from s2iammask_core.data.noise import Noise
from s2iammask_core.data.spoil import HALF, box_map, by_hand, spoil
from s2iammask_core.model.pooling import Grid, pool
from s2iammask_core.training.settings import AnchorConfig, RegionConfig

GOLDEN, MIX_1, MIX_2 = -0x61C8864680B583EB, -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15  # of SplitMix64
NEAR = 15  # pixels around a box whose mask is asked for
# how a tracker's mask that guides the network for first masks differs from the true one
SPOILT, SPOILT_SHARE, SPOILT_CELLS = 2, 0.7, 13  # times, share of the masks each time, pixels
SOFT = 9  # pixels over which its edge is spread
WIDER = 0.15  # of its sides, by which its box may be wider on each
GUIDES = 1 + SPOILT * 5 + 4  # random numbers of that
CENTRAL = 3  # cells on either side of the centre that give the negatives of a negative pair


@dataclass(frozen=True, slots=True)
class AnchorLabels:
    """For each of K anchors of N pairs: 1 object, 0 background, -1 not used."""

    classes: Tensor  # (N, K) int64
    deltas: Tensor  # (N, K, 4)
    weights: Tensor  # (N, K) 1 / number of positives on positives, else 0


def positive_anchors(batch: Batch, cells: int, config: AnchorConfig) -> Tensor:
    """(N, K) which anchors of an S x S map show the object (SiamRPN), drawn from the pairs' seeds."""
    return _positive(batch, _overlaps(batch, cells), config)


def _positive(batch: Batch, overlap: Tensor, config: AnchorConfig) -> Tensor:
    return _some(_fits(overlap, config) & batch.positive[:, None], _noise(batch, overlap), config.positives)


def label_anchors(batch: Batch, scores: Tensor, config: AnchorConfig) -> AnchorLabels:
    """Labels of the anchors of an S x S map (SiamRPN); which of them are used is drawn from the pairs' seeds,
    but for a share of the negatives: those that the network takes for the object the most.

    Args:
        scores: (N, 2, A, S, S) logits of the network for these anchors.
    """
    cells = scores.shape[-1]
    overlap = _overlaps(batch, cells)
    noise = _noise(batch, overlap)
    positive = _positive(batch, overlap, config)
    room = config.examples - positive.sum(dim=1, keepdim=True)
    worst = (room * config.hard).long()
    shown = batch.positive[:, None]
    far = (overlap < config.negative_iou) & ~_fits(overlap, config) & shown
    anchors = _anchors(cells, overlap.device)
    mistaken = -scores.detach().float().flatten(2).softmax(dim=1)[:, 1]  # (N, K), the worst first
    worst_absent = int(config.negatives * config.hard)
    negative = (
        _some(far, mistaken, worst)
        | _some(far, noise, room - worst)
        | _some(~shown.expand_as(far), mistaken, worst_absent)  # such a pair has no object anywhere
        | _some(_central(cells, anchors)[None] & ~shown, noise, config.negatives - worst_absent)
    )
    classes = torch.where(positive, 1, torch.where(negative, 0, -1))
    weights = positive / (positive.sum(dim=1, keepdim=True) + 1e-6)
    return AnchorLabels(classes, encode(_centered(batch), anchors), weights)


@cache
def _anchors(cells: int, device: torch.device) -> Tensor:
    return anchor_grid(cells).to(device)


def _centered(batch: Batch) -> Tensor:
    """(N, 1, 4) cx cy w h of the objects, relative to the centre of the patch."""
    return to_centers(batch.box - batch.search.shape[-1] / 2)[:, None]


def _overlaps(batch: Batch, cells: int) -> Tensor:
    """(N, K) IoU of the objects with the anchors, which lie around the centre of the patch."""
    anchors = _anchors(cells, batch.box.device)
    return box_iou(to_corners(_centered(batch)), to_corners(anchors))


def _fits(overlap: Tensor, config: AnchorConfig) -> Tensor:
    best = overlap.amax(dim=1, keepdim=True)
    near_best = (overlap >= best * config.best_share) & (best > config.negative_iou)
    return (overlap > config.positive_iou) | near_best & (overlap > config.negative_iou)


def _noise(batch: Batch, overlap: Tensor) -> Tensor:
    return seeded_noise(batch.seed, overlap.shape[1])


def seeded_noise(seeds: Tensor, count: int) -> Tensor:
    """(N, count) in [0, 1), each row from its own seed, the same on every device (SplitMix64: Steele et al.
    2014).
    """
    steps = torch.arange(1, count + 1, device=seeds.device)
    mixed = seeds.long()[:, None] + steps * GOLDEN  # integers overflow as they should
    for shift, factor in ((30, MIX_1), (27, MIX_2)):
        mixed = (mixed ^ _right(mixed, shift)) * factor
    return _right(mixed ^ _right(mixed, 31), 40).float() / 2**24


def _right(bits: Tensor, places: int) -> Tensor:
    """Shifted to the right, with zeros coming in."""
    return (bits >> places) & ((1 << (64 - places)) - 1)


def _some(candidates: Tensor, noise: Tensor, most: Tensor | int) -> Tensor:
    """At most `most` of the candidates (N, K) of each row, those with the smallest noise."""
    rank = torch.where(candidates, noise, 2.0).argsort(dim=1).argsort(dim=1)
    return candidates & (rank < most)


def _central(cells: int, anchors: Tensor) -> Tensor:
    """(K,) whether an anchor lies in the 7 x 7 cells around the centre."""
    reach = (CENTRAL + 0.5) * 8
    return (anchors[:, :2].abs() < reach).all(dim=1)


def mask_windows(batch: Batch, sample: Tensor, rows: Tensor, columns: Tensor, cells: int) -> Tensor:
    """Labels -1 and 1, and 0 outside the patch and where nothing is known, of the 127 x 127 windows of score
    cells.

    Args:
        sample, rows, columns: (M,) cells of an S x S map that lies around the centre of the patch.
        cells: S.

    Returns:
        (M, 127, 127) float32
    """
    labels = (batch.mask.float() * 2 - 1) * ~batch.unknown  # (N, P, P)
    side = labels.shape[-1]
    offset = (side - 127) // 2 - 4 * (cells - 1)  # where the window of cell 0 begins
    steps = torch.arange(127, device=labels.device)
    y = rows[:, None] * 8 + offset + steps  # (M, 127)
    x = columns[:, None] * 8 + offset + steps
    inside = ((y >= 0) & (y < side))[:, :, None] & ((x >= 0) & (x < side))[:, None, :]
    found = labels[sample[:, None, None], y.clamp(0, side - 1)[:, :, None], x.clamp(0, side - 1)[:, None, :]]
    return found * inside


@dataclass(frozen=True, slots=True)
class Regions:
    """M regions of a batch with R places a pair; unused places have weight 0."""

    rois: Tensor  # (N, R, 4) x1 y1 x2 y2, enlarged, search patch pixels
    masks: Tensor  # (N, R, M, M) bool
    known: Tensor  # (N, R, M, M) bool: where somebody said what there is
    weights: Tensor  # (N, R) 1 or 0


def choose_regions(
    batch: Batch, scores: Tensor, deltas: Tensor, config: RegionConfig, pixels: int
) -> Regions:
    """Regions that overlap the object, from first-stage outputs scores (N, 2, A, S, S) and deltas (N, 4, A,
    S, S).
    """
    truth = batch.box[:, None]  # (N, 1, 4)
    candidates = truth
    if config.source == "proposals":
        found = _proposals(scores, deltas, batch.search.shape[-1], config)  # (N, P, 4)
        candidates = torch.cat([truth, found], dim=1)
    overlap = box_iou(candidates, truth)  # (N, 1 + P)
    usable = (overlap >= config.positive_iou) & (batch.positive & batch.has_mask)[:, None]
    noise = seeded_noise(batch.seed, candidates.shape[1])
    order = torch.where(usable, noise, 2.0).argsort(dim=1)[:, : config.count]  # (N, R)
    rois = enlarge(
        candidates.gather(1, order[..., None].expand(-1, -1, 4)), config.scale, batch.search.shape[-1]
    )
    layers = torch.stack([batch.mask, batch.unknown], dim=1).to(scores.dtype)
    object_, unknown = _sampled(layers, rois, pixels).unbind(dim=2)
    return Regions(rois, object_ > 0.5, unknown < 0.25, usable.gather(1, order).float())


def _proposals(scores: Tensor, deltas: Tensor, side: int, config: RegionConfig) -> Tensor:
    """(N, after_nms, 4) decoded, clipped, non-overlapping boxes; places that stay empty are zero."""
    n, cells = len(deltas), deltas.shape[-1]
    anchors = _anchors(cells, deltas.device)
    boxes = to_corners(decode(deltas.reshape(n, 4, -1).transpose(1, 2).float(), anchors)) + side / 2
    boxes = boxes.clamp(0, side)
    chance = scores.float().softmax(dim=1)[:, 1].reshape(n, -1)
    best = chance.topk(min(config.before_nms, chance.shape[1]), dim=1)
    boxes = boxes.gather(1, best.indices[..., None].expand(-1, -1, 4))  # (N, before, 4)
    owner = torch.arange(n, device=boxes.device)[:, None].expand(-1, boxes.shape[1])
    kept = batched_nms(boxes.flatten(0, 1), best.values.flatten(), owner.flatten(), config.nms_iou)
    owners, chosen = owner.flatten()[kept], boxes.flatten(0, 1)[kept]  # sorted by score over all pairs
    order = owners.argsort(stable=True)
    owners, chosen = owners[order], chosen[order]
    first = torch.searchsorted(owners, torch.arange(n, device=boxes.device))
    place = torch.arange(len(owners), device=boxes.device) - first[owners]  # of a box among its pair's
    out = boxes.new_zeros(n, config.after_nms + 1, 4)  # the last place is for all that do not fit
    out[owners, place.clamp(max=config.after_nms)] = chosen
    return out[:, :-1]


def enlarge(boxes: Tensor, scale: float, side: int) -> Tensor:
    """Boxes (..., 4) grown about their centres, and clipped to the patch."""
    grown = to_centers(boxes)
    return to_corners(torch.cat([grown[..., :2], grown[..., 2:] * scale], dim=-1)).clamp(0, side)


def _sampled(layers: Tensor, rois: Tensor, pixels: int) -> Tensor:
    """(N, R, L, pixels, pixels): the mean of layers (N, L, P, P) in each cell of regions (N, R, 4)."""
    fine = pool(layers, rois, 2 * pixels, Grid(1, 0.5))  # (N * R, L, ...)
    means: Tensor = F.avg_pool2d(fine, 2).unflatten(0, rois.shape[:2])
    return means


def in_boxes(batch: Batch, guided: float = 0.0) -> tuple[Regions, Tensor]:
    """The object of each pair as one region, the patch, of which only what lies near its box is known; and
    what the network is given of it (N, P, P): the boxes as masks, half of them as a hand draws them, or, for
    a share of the pairs, a tracker's mask in a box around that.
    """
    side = batch.mask.shape[-1]
    noise = Noise(seeded_noise(batch.seed, 5 + GUIDES))
    true = extents(batch.mask)
    maps = asked = box_map(by_hand(true, noise), side)
    if guided:
        chosen = (noise.take(1) < guided)[:, :, None]
        guides = _guides(batch.mask, noise)
        maps = torch.where(chosen, guides, maps)
        asked = torch.where(chosen, torch.maximum(guides, box_map(true, side)), asked)
    near = F.max_pool2d(asked[:, None], 2 * NEAR + 1, 1, NEAR) > 0
    shown = batch.positive & batch.has_mask & batch.mask.any(dim=(1, 2))
    whole = true.new_tensor([0, 0, side, side]).expand(len(true), 1, 4)
    return Regions(whole, batch.mask[:, None], near & ~batch.unknown[:, None], shown.float()[:, None]), maps


def _guides(masks: Tensor, noise: Noise) -> Tensor:
    """(N, P, P): masks (N, P, P) as a tracker has them, a half and more in boxes around them, and a half
    where nothing of them is.
    """
    side = masks.shape[-1]
    spoilt = masks.float()
    for _ in range(SPOILT):
        spoilt = spoil(spoilt, noise, SPOILT_SHARE, size=SPOILT_CELLS)
    spoilt = F.avg_pool2d(spoilt[:, None], SOFT, 1, SOFT // 2, count_include_pad=False)[:, 0]
    boxes = extents(spoilt > HALF * spoilt.amax(dim=(1, 2), keepdim=True))
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    outwards = boxes.new_tensor([-1, -1, 1, 1])
    boxes = boxes + outwards * sides * noise.take(4) * WIDER
    inside = box_map(boxes, side)
    return inside * (1 + spoilt)


def extents(masks: Tensor) -> Tensor:
    """Boxes x1 y1 x2 y2 (N, 4) around masks (N, H, W); what they are of an empty one means nothing."""
    columns, rows = masks.any(dim=1).float(), masks.any(dim=2).float()
    low = [each.argmax(dim=1) for each in (columns, rows)]
    high = [each.shape[1] - each.flip(1).argmax(dim=1) for each in (columns, rows)]
    return torch.stack([*low, *high], dim=1).float()
