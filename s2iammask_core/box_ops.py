"""Many boxes at once, as tensors: overlaps, areas and the two forms; conventions as in `boxes`."""

import torch
from torch import Tensor


def box_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union, elementwise over broadcast boxes (..., 4) x1 y1 x2 y2; 0 if both are empty."""
    low = torch.maximum(boxes[..., :2], others[..., :2])
    high = torch.minimum(boxes[..., 2:], others[..., 2:])
    common = (high - low).clamp(min=0).prod(dim=-1)
    union = area(boxes) + area(others) - common
    return common / union.clamp(min=1e-9)


def area(boxes: Tensor) -> Tensor:
    """(...,) areas of boxes (..., 4)."""
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)


def to_corners(boxes: Tensor) -> Tensor:
    """Center form (..., 4) cx cy w h to x1 y1 x2 y2."""
    center, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([center - half, center + half], dim=-1)


def to_centers(boxes: Tensor) -> Tensor:
    """Corners (..., 4) x1 y1 x2 y2 to cx cy w h."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def gathered(rows: Tensor, index: Tensor) -> Tensor:
    """(N, M, C): the rows of (N, K, C) that an index (N, M) names."""
    return rows.gather(1, index[..., None].expand(-1, -1, rows.shape[2]))
