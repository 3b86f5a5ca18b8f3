"""Patches as poor cameras give them: blurred, coarse, dark and noisy."""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from s2iammask_core.data.noise import Noise

if TYPE_CHECKING:
    from s2iammask_core.data.augment import AugmentConfig

BLUR_TAPS = 9
COARSER = (0.5, 0.33, 0.22)  # of the resolution
DARKEST = 0.2  # of the light


def degraded(
    template: Tensor, search: Tensor, noise: Noise, steady: Tensor, config: "AugmentConfig"
) -> tuple[Tensor, Tensor]:
    """Template and search patches (N, 3, T, T) and (N, 3, P, P), some of them the worse for it; where
    nothing moves (N,), both suffer alike.
    """
    both = noise.take(1)[:, 0] < config.coarse / 2
    one = (noise.take(1)[:, 0] < config.coarse / 2) & ~steady
    which = noise.take(1)[:, 0]
    template = _coarse(template, both, which)
    search = _coarse(search, both | one, which)
    search = _blurred(search, noise, config.blur, ~steady)
    return template, _dark(search, noise, config.night, ~steady)


def _coarse(patches: Tensor, chosen: Tensor, which: Tensor) -> Tensor:
    """Patches with fewer pixels than they had, where chosen (N,) is true."""
    side = list(patches.shape[2:])
    for number, factor in enumerate(COARSER):
        picked = (chosen & ((which * len(COARSER)).floor() == number)).nonzero()[:, 0]
        if len(picked):
            small = F.interpolate(patches[picked], scale_factor=factor, mode="area")
            large = F.interpolate(small, size=side, mode="bilinear", align_corners=False)
            patches = patches.index_copy(0, picked, large)
    return patches


def _dark(patches: Tensor, noise: Noise, probability: float, allowed: Tensor) -> Tensor:
    """Little light and much noise, for a share of the patches."""
    picked = ((noise.take(1)[:, 0] < probability) & allowed).nonzero()[:, 0]
    light = DARKEST + (0.7 - DARKEST) * noise.take(1)
    grain = 3 + 12 * noise.take(1)
    if not len(picked):
        return patches
    rows = torch.stack([noise.field(int(row), patches.shape[1:]) for row in picked.tolist()])
    some = patches[picked] * light[picked][..., None, None]
    return patches.index_copy(0, picked, some + rows.to(some.device) * grain[picked][..., None, None])


def _blurred(patches: Tensor, noise: Noise, probability: float, allowed: Tensor) -> Tensor:
    """A Gaussian blur of random width along each axis, for a share of the patches."""
    chosen = (noise.take(1)[:, 0] < probability) & allowed
    sigma = noise.take(2) * 2.5 + 0.1  # (N, 2)
    index = torch.arange(BLUR_TAPS, device=patches.device) - BLUR_TAPS // 2
    taps = torch.exp(-0.5 * (index / sigma[:, :, None]) ** 2)
    taps = taps / taps.sum(dim=2, keepdim=True)  # (N, 2, taps)
    kernel = taps[:, 1, :, None] * taps[:, 0, None, :]  # (N, taps, taps)
    picked = chosen.nonzero()[:, 0]
    if not len(picked):
        return patches
    some = patches[picked].transpose(0, 1)  # (3, M, P, P)
    edge = BLUR_TAPS // 2
    padded = F.pad(some, (edge,) * 4, mode="reflect")
    soft = F.conv2d(padded, kernel[picked][:, None], groups=len(picked)).transpose(0, 1)
    return patches.index_copy(0, picked, soft)
