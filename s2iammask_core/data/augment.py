"""Augmentation on the device, for whole batches; all random numbers come with the pairs."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from s2iammask_core.config import check, setting
from s2iammask_core.data.pairs import Pair

# eigenvectors of ImageNet's colours times the square roots of their eigenvalues (SiamFC's colour jitter), RGB
LIGHTING = (
    (-0.41940627, -1.82968581, 4.88324118),
    (0.98062831, 0.19879334, 4.73710203),
    (-0.55919361, 1.72091413, 4.64467907),
)
BLUR_TAPS = 9


@dataclass(frozen=True)
class AugmentConfig:
    """How strongly patches are changed."""

    template_pixels: int = setting(127, "side of template patches, pixels", 63, 511)
    search_pixels: int = setting(255, "side of search patches, pixels", 127, 511)
    template_shift: float = setting(4.0, "greatest shift of the template, pixels", 0.0, 32.0)
    template_scale: float = setting(0.05, "greatest relative change of the template's scale", 0.0, 0.5)
    search_shift: float = setting(64.0, "greatest shift of the search patch, pixels", 0.0, 128.0)
    search_scale: float = setting(0.18, "greatest relative change of the search patch's scale", 0.0, 0.5)
    search_zoom: float = setting(
        1.0,
        "greatest factor by which the object is larger or smaller in the search patch than in the template",
        1.0,
        3.0,
    )
    flip: float = setting(0.5, "probability of a mirrored pair", 0.0, 1.0)
    grey: float = setting(0.25, "probability of a grey pair", 0.0, 1.0)
    blur: float = setting(0.18, "probability of a blurred search patch", 0.0, 1.0)
    contrast: float = setting(0.25, "greatest relative change of contrast", 0.0, 0.9)
    brightness: float = setting(25.0, "greatest change of brightness, grey levels", 0.0, 100.0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a training step sees; N pairs on the device."""

    template: Tensor  # (N, 3, T, T) float32 RGB 0..255
    search: Tensor  # (N, 3, P, P)
    mask: Tensor  # (N, P, P) bool
    box: Tensor  # (N, 4) x1 y1 x2 y2, search patch pixels
    positive: Tensor  # (N,) bool
    has_mask: Tensor  # (N,) bool
    seed: Tensor  # (N,) int64


def augment(pairs: Pair, config: AugmentConfig) -> Batch:
    """Patches from the crops of N pairs, shifted, scaled, mirrored, and changed in colour."""
    noise = _Noise(pairs.noise)
    flip = noise.take(1)[:, 0] < config.flip
    grey = noise.take(1)[:, 0] < config.grey
    template_windows = _windows(
        noise, pairs.template, config.template_pixels, config.template_shift, config.template_scale
    )
    search_windows = _windows(
        noise,
        pairs.search,
        config.search_pixels * config.search_zoom ** noise.signed(1),
        config.search_shift,
        config.search_scale,
    )
    template = _sample(_planes(pairs.template), template_windows, config.template_pixels, flip)
    layers = torch.cat([_planes(pairs.search), pairs.mask[:, None].float()], dim=1)  # (N, 4, C, C)
    sampled = _sample(layers, search_windows, config.search_pixels, flip)
    search, mask = sampled[:, :3], sampled[:, 3] > 127.5
    search = _blurred(search, noise, config.blur)
    return Batch(
        template=_coloured(template, noise, grey, config),
        search=_coloured(search, noise, grey, config),
        mask=mask,
        box=_moved(pairs.box, search_windows, config.search_pixels, flip),
        positive=pairs.positive,
        has_mask=pairs.has_mask,
        seed=pairs.seed,
    )


class _Noise:
    """Hands out columns of the pairs' random numbers (N, 64), each once."""

    def __init__(self, values: Tensor) -> None:
        self._values, self._used = values, 0

    def take(self, count: int) -> Tensor:
        """(N, count) in [0, 1)"""
        self._used += count
        return self._values[:, self._used - count : self._used]

    def signed(self, count: int) -> Tensor:
        """(N, count) in [-1, 1)"""
        return self.take(count) * 2 - 1

    def normal(self, count: int) -> Tensor:
        """(N, count), standard normal."""
        return torch.erfinv(self.signed(count).clamp(-0.9999, 0.9999)) * 2**0.5


def _planes(images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2).float()  # (N, 3, C, C)


def _windows(noise: _Noise, crops: Tensor, pixels: Tensor | int, shift: float, scale: float) -> Tensor:
    """(N, 4) cx cy w h of the windows of about `pixels`, or (N, 1), in crop pixels, kept inside the crop."""
    side = crops.shape[1]
    size = (pixels * (1 + noise.signed(2) * scale)).clamp(max=side)  # (N, 2)
    center = side / 2 + noise.signed(2) * shift
    return torch.cat([torch.minimum(torch.maximum(center, size / 2), side - size / 2), size], dim=1)


def _sample(planes: Tensor, windows: Tensor, pixels: int, flip: Tensor) -> Tensor:
    """Bilinear patches (N, C, pixels, pixels) of windows (N, 4); mirrored where flip is true."""
    side = planes.shape[-1]
    center = windows[:, :2] * 2 / side - 1
    size = windows[:, 2:] / side
    theta = planes.new_zeros(len(planes), 2, 3)
    theta[:, 0, 0] = torch.where(flip, -size[:, 0], size[:, 0])
    theta[:, 1, 1] = size[:, 1]
    theta[:, :, 2] = center
    grid = F.affine_grid(theta, [len(planes), 1, pixels, pixels], align_corners=False)
    return F.grid_sample(planes, grid, padding_mode="border", align_corners=False)


def _moved(boxes: Tensor, windows: Tensor, pixels: int, flip: Tensor) -> Tensor:
    """Boxes (N, 4) from crop to patch pixels."""
    corner = windows[:, :2] - windows[:, 2:] / 2
    moved = (boxes - corner.repeat(1, 2)) * (pixels / windows[:, 2:]).repeat(1, 2)
    mirrored = torch.stack([pixels - moved[:, 2], moved[:, 1], pixels - moved[:, 0], moved[:, 3]], dim=1)
    return torch.where(flip[:, None], mirrored, moved)


def _coloured(patches: Tensor, noise: _Noise, grey: Tensor, config: AugmentConfig) -> Tensor:
    """Contrast, brightness and lighting of each patch on its own; grey for both of a pair."""
    luma = patches.new_tensor([0.299, 0.587, 0.114])
    flat = torch.einsum("nchw,c->nhw", patches, luma)[:, None]
    patches = torch.where(grey[:, None, None, None], flat, patches)
    lighting = noise.normal(3) @ patches.new_tensor(LIGHTING).T  # (N, 3)
    shift = noise.signed(1) * config.brightness + lighting
    gain = 1 + noise.signed(1) * config.contrast
    mean = patches.mean(dim=(1, 2, 3), keepdim=True)
    changed = (patches - mean) * gain[:, :, None, None] + mean + shift[:, :, None, None]
    return changed.clamp(0, 255)


def _blurred(patches: Tensor, noise: _Noise, probability: float) -> Tensor:
    """A Gaussian blur of random width along each axis, for a share of the patches."""
    chosen = noise.take(1)[:, 0] < probability
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
