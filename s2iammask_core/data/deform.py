"""Objects as they look a while later: bent, in another light; and pairs of colours that were never seen.

Smooth random fields, from few points between which they are cubic: as in Lucid Data Dreaming (Khoreva et al.,
2019), which draws the deformation of an object by splines and so learns from single pictures.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from s2iammask_core.data.noise import Noise

BEND_POINTS = 4  # along a side
SHADE_POINTS = 3
# the orders of the colours red, green, blue but their own
ORDERS = ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def bends(noise: Noise, strength: Tensor, pixels: int) -> Tensor:
    """(N, pixels, pixels, 2): displacements of about `strength` (N,) pixels at most, smooth over a patch."""
    fields = _smooth(noise, 2, BEND_POINTS, pixels) * strength[:, None, None, None]
    return fields.permute(0, 2, 3, 1)


def shaded(patches: Tensor, noise: Noise, strength: Tensor) -> Tensor:
    """Patches (N, 3, P, P) in light that changes by about `strength` (N,) at most, smooth over a patch."""
    light = 1 + _smooth(noise, 1, SHADE_POINTS, patches.shape[-1]) * strength[:, None, None, None]
    return (patches * light).clamp(0, 255)


def exchanged(patches: tuple[Tensor, Tensor], noise: Noise, probability: float) -> tuple[Tensor, Tensor]:
    """The patches (N, 3, ., .) of N pairs, a share of them with red, green and blue in another order."""
    chosen = noise.take(1)[:, 0] < probability
    orders = patches[0].new_tensor(ORDERS, dtype=torch.long)
    order = orders[(noise.take(1)[:, 0] * len(ORDERS)).long()]
    order = torch.where(chosen[:, None], order, torch.arange(3, device=order.device))
    rows = torch.arange(len(order), device=order.device)[:, None]
    first, second = (each[rows, order] for each in patches)
    return first, second


def _smooth(noise: Noise, planes: int, points: int, pixels: int) -> Tensor:
    """(N, planes, pixels, pixels), through random points in [-1, 1) of a grid over the patch."""
    grid = noise.signed(planes * points * points).unflatten(1, (planes, points, points))
    return F.interpolate(grid, size=[pixels, pixels], mode="bicubic", align_corners=True)
