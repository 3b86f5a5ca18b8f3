"""Many boxes at once, as tensors: overlaps, areas and the two forms; conventions as in `boxes`."""

import torch
from torch import Tensor


def box_iou(boxes: Tensor, others: Tensor, dim: int = -1) -> Tensor:
    """Intersection over union, elementwise over broadcast boxes (..., 4) x1 y1 x2 y2; 0 if both are empty.

    The four may lie in another dimension, as those of many boxes do on their way through a network.
    """
    (first, last), (other_first, other_last) = boxes.chunk(2, dim), others.chunk(2, dim)
    low, high = torch.maximum(first, other_first), torch.minimum(last, other_last)
    common = (high - low).clamp(min=0).prod(dim=dim)
    union = area(boxes, dim) + area(others, dim) - common
    return common / union.clamp(min=1e-9)


def area(boxes: Tensor, dim: int = -1) -> Tensor:
    """(...,) areas of boxes (..., 4)."""
    first, last = boxes.chunk(2, dim)
    return (last - first).clamp(min=0).prod(dim=dim)


def to_corners(boxes: Tensor, dim: int = -1) -> Tensor:
    """Center form (..., 4) cx cy w h to x1 y1 x2 y2."""
    center, sides = boxes.chunk(2, dim)
    half = sides / 2
    return torch.cat([center - half, center + half], dim=dim)


def to_centers(boxes: Tensor) -> Tensor:
    """Corners (..., 4) x1 y1 x2 y2 to cx cy w h."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def gathered(rows: Tensor, index: Tensor) -> Tensor:
    """(N, M, C): the rows of (N, K, C) that an index (N, M) names."""
    return rows.gather(1, index[..., None].expand(-1, -1, rows.shape[2]))
