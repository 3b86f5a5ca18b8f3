"""Masks as a tracker has them, made of true ones: grown, shrunk, soft, with a part missing or too much."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from s2iammask_core.data.noise import Noise
from s2iammask_core.geometry import PRIOR_CELLS

WAYS = 6  # to spoil a mask
HALF = 0.5  # what a box says of each of its pixels
LOOSE = 0.1  # of its side, by which an edge of a box that a hand drew may be off


def spoil(masks: Tensor, noise: Noise, share: float, size: int) -> Tensor:
    """Masks (N, S, S) in [0, 1], a share of them spoilt; negative values, where nothing is known, stay.

    `size` is the side of the neighbourhood by which they grow and shrink, an odd number of cells.
    """
    way = (noise.take(1)[:, 0] / max(share, 1e-9) * WAYS).floor()  # of each mask; WAYS and more: none
    spots = noise.take(4)
    known, planes = masks >= 0, masks.clamp(min=0)[:, None]
    edge = size // 2
    ways: tuple[Callable[[], Tensor], ...] = (
        lambda: F.max_pool2d(planes, size, 1, edge)[:, 0],
        lambda: -F.max_pool2d(-planes, size, 1, edge)[:, 0],
        lambda: F.avg_pool2d(planes, size + 2, 1, edge + 1)[:, 0],
        lambda: masks * ~_half_plane(masks, spots),
        lambda: torch.maximum(masks, _disc(masks, spots).to(masks.dtype)),
        lambda: masks * spots[:, :1, None].clamp(min=0.4),
    )
    made = masks
    for number, change in enumerate(ways):
        made = torch.where((way == number)[:, None, None], change(), made)
    return torch.where(known, made, masks)


def _places(masks: Tensor) -> tuple[Tensor, Tensor]:
    """Columns (1, 1, S) and rows (1, S, 1), in shares of the side from the middle."""
    steps = (torch.arange(masks.shape[-1], device=masks.device) + 0.5) / masks.shape[-1] - 0.5
    return steps[None, None], steps[None, :, None]


def _middle(masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The masks' centres (N, 1, 1) x and y, in shares of the side from the middle, and their radius."""
    x, y = _places(masks)
    weights = masks.clamp(min=0)
    total = weights.sum(dim=(1, 2), keepdim=True).clamp(min=1e-6)
    radius = (total / torch.pi).sqrt() / masks.shape[-1]
    cx, cy = ((weights * each).sum(dim=(1, 2), keepdim=True) / total for each in (x, y))
    return cx, cy, radius


def _half_plane(masks: Tensor, spots: Tensor) -> Tensor:
    """(N, S, S): beyond a line that cuts off up to half of the object, in any direction."""
    (x, y), (cx, cy, radius) = _places(masks), _middle(masks)
    angle = spots[:, 0, None, None] * 2 * torch.pi
    away = (x - cx) * angle.cos() + (y - cy) * angle.sin()
    return away > spots[:, 1, None, None] * radius


def _disc(masks: Tensor, spots: Tensor) -> Tensor:
    """(N, S, S): a disc at the object's edge, in any direction."""
    (x, y), (cx, cy, radius) = _places(masks), _middle(masks)
    angle = spots[:, 0, None, None] * 2 * torch.pi
    far = radius * (0.8 + 0.6 * spots[:, 1, None, None])
    across, down = x - cx - far * angle.cos(), y - cy - far * angle.sin()
    return across**2 + down**2 < (radius * (0.2 + 0.4 * spots[:, 2, None, None])) ** 2


def box_prior(boxes: Tensor, pixels: int, noise: Noise) -> Tensor:
    """(N, PRIOR_CELLS, PRIOR_CELLS): what a box x1 y1 x2 y2 (N, 4) in a patch of the given side says where
    the object is. Half of the boxes are exact, the others as a hand draws them.
    """
    return box_map(by_hand(boxes, noise) / pixels * PRIOR_CELLS, PRIOR_CELLS)


def by_hand(boxes: Tensor, noise: Noise) -> Tensor:
    """Boxes (N, 4), half of them exact, the others as a hand draws them."""
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    loose = (noise.take(1) < HALF).float()
    return boxes + noise.signed(4) * LOOSE * loose * sides


def box_map(drawn: Tensor, cells: int) -> Tensor:
    """(N, cells, cells): what boxes (N, 4) in cells say of each cell, HALF of its share that is inside."""
    low = torch.arange(cells, device=drawn.device)
    shares = [
        (torch.minimum(low + 1, drawn[:, end, None]) - torch.maximum(low, drawn[:, begin, None])).clamp(0, 1)
        for begin, end in ((0, 2), (1, 3))
    ]
    return HALF * shares[1][:, :, None] * shares[0][:, None, :]
