"""Augmentation on the device, for whole batches; all random numbers come with the pairs."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from s2iammask_core.config import Checked, setting
from s2iammask_core.data.deform import bends, exchanged, shaded
from s2iammask_core.data.degrade import degraded
from s2iammask_core.data.mask_sources import KNOWN_OBJECT, UNKNOWN
from s2iammask_core.data.noise import Noise
from s2iammask_core.data.pairs import Pair
from s2iammask_core.data.spoil import box_prior, spoil
from s2iammask_core.geometry import PRIOR_CELLS

# eigenvectors of ImageNet's colours times the square roots of their eigenvalues (SiamFC's colour jitter), RGB
LIGHTING = (
    (-0.41940627, -1.82968581, 4.88324118),
    (0.98062831, 0.19879334, 4.73710203),
    (-0.55919361, 1.72091413, 4.64467907),
)
# greatest shift, pixels, and relative change of scale, of a patch in which nothing moves, and of a first look
STEADY, LOOK = (1.5, 0.01), (10.0, 0.05)
LOOKS = 1.35  # greatest zoom of a first look
SLIGHT = 0.3  # share of the turn and the bend that pairs of two frames get
PRIOR_SHIFT, PRIOR_SCALE = 5.0, 0.05  # greatest further motion since the frame before
FIRST_LOOK = 0.5  # share of starts that remember nothing yet; the others look again


@dataclass(frozen=True)
class AugmentConfig(Checked):
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
    turn: float = setting(0.0, "greatest turn of the template against the search patch, degrees", 0.0, 180.0)
    bend: float = setting(
        0.0,
        "greatest displacement of the parts of an object between template and search patch, pixels",
        0.0,
        16.0,
    )
    start: float = setting(
        0.0, "share of pairs of one frame that are a start: a box, and no mask remembered", 0.0, 1.0
    )
    steady: float = setting(0.0, "share of pairs of one frame in which nothing moves", 0.0, 1.0)
    forget: float = setting(0.15, "share of the other pairs without a memory, and without a prior", 0.0, 1.0)
    spoil: float = setting(0.5, "share of remembered and prior masks that are spoilt", 0.0, 1.0)
    guided: float = setting(
        0.0, "share of first masks that are given a tracker's mask in their box, not the box alone", 0.0, 1.0
    )
    flip: float = setting(0.5, "probability of a mirrored pair", 0.0, 1.0)
    grey: float = setting(0.25, "probability of a grey pair", 0.0, 1.0)
    exchange: float = setting(0.0, "probability of a pair whose colours are exchanged", 0.0, 1.0)
    shade: float = setting(
        0.0, "greatest relative change of the light on a part of the search patch", 0.0, 0.9
    )
    blur: float = setting(0.18, "probability of a blurred search patch", 0.0, 1.0)
    coarse: float = setting(0.0, "probability of a pair, or of a search patch, of low resolution", 0.0, 1.0)
    night: float = setting(0.0, "probability of a dark and noisy search patch", 0.0, 1.0)
    contrast: float = setting(0.25, "greatest relative change of contrast", 0.0, 0.9)
    brightness: float = setting(25.0, "greatest change of brightness, grey levels", 0.0, 100.0)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a training step sees; N pairs on the device."""

    template: Tensor  # (N, 3, T, T) float32 RGB 0..255
    template_mask: Tensor  # (N, T, T) float32, what is remembered of the object, in [0, 1]; negative: unknown
    search: Tensor  # (N, 3, P, P)
    mask: Tensor  # (N, P, P) bool
    unknown: Tensor  # (N, P, P) bool: where nobody said what there is
    prior: Tensor  # (N, PRIOR_CELLS, PRIOR_CELLS) float32: the mask of the frame before, in [0, 1]
    box: Tensor  # (N, 4) x1 y1 x2 y2, search patch pixels
    positive: Tensor  # (N,) bool
    has_mask: Tensor  # (N,) bool
    seed: Tensor  # (N,) int64


def augment(pairs: Pair, config: AugmentConfig) -> Batch:
    """Patches from the crops of N pairs, shifted, scaled, turned, mirrored, and changed in colour."""
    noise = Noise(pairs.noise)
    flip = noise.take(1)[:, 0] < config.flip
    grey = noise.take(1)[:, 0] < config.grey
    kind = noise.take(1)[:, 0]
    start = pairs.same & (kind < config.start)
    steady = start | pairs.same & (kind < config.start + config.steady)
    search_windows = _search_windows(pairs, noise, steady, start, config)
    template, template_mask = _template(pairs, noise, steady, flip, config)
    layers = torch.cat([_planes(pairs.search), _layers(pairs.mask)], dim=1)  # (N, 5, C, C)
    sampled = _sample(layers, _upright(search_windows), config.search_pixels, flip)
    search, mask, unknown = sampled[:, :3], sampled[:, 3] > 0.5, sampled[:, 4] > 0.25
    template, search = exchanged((template, search), noise, config.exchange)
    search = shaded(search, noise, torch.where(steady, 0.0, config.shade))
    template, search = degraded(template, search, noise, steady, config)
    tint, other = _Tint.draw(noise, config), _Tint.draw(noise, config)
    box = _moved(pairs.box, search_windows, config.search_pixels, flip)
    prior = _prior(pairs, search_windows, noise, flip)
    prior = torch.where(start[:, None, None], box_prior(box, config.search_pixels, noise), prior)
    return Batch(
        template=tint(template, grey),
        template_mask=_remembered(template_mask, noise, start, steady, config),
        search=torch.where(steady[:, None, None, None], tint(search, grey), other(search, grey)),
        mask=mask,
        unknown=unknown & ~mask,
        prior=_believed(prior, noise, start, config),
        box=box,
        positive=pairs.positive,
        has_mask=pairs.has_mask,
        seed=pairs.seed,
    )


def _planes(images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2).float()  # (N, 3, C, C)


def _layers(levels: Tensor) -> Tensor:
    """(N, 2, C, C): the object, and what is unknown, of levels (N, C, C)."""
    return torch.stack([levels == KNOWN_OBJECT, levels == UNKNOWN], dim=1).float()


def _search_windows(
    pairs: Pair, noise: Noise, steady: Tensor, start: Tensor, config: AugmentConfig
) -> Tensor:
    """(N, 4) of the search patches; those of a start look from scales around the template's own."""
    pixels, zoom = config.search_pixels, noise.signed(1)
    moving = _windows(
        noise, pairs.search, pixels * config.search_zoom**zoom, config.search_shift, config.search_scale
    )
    still = _windows(noise, pairs.search, pixels * torch.ones_like(zoom), *STEADY)
    looking = _windows(noise, pairs.search, pixels * LOOKS**zoom, *LOOK)
    return torch.where(start[:, None], looking, torch.where(steady[:, None], still, moving))


def _template(
    pairs: Pair, noise: Noise, steady: Tensor, flip: Tensor, config: AugmentConfig
) -> tuple[Tensor, Tensor]:
    """Template patches (N, 3, T, T) and masks (N, T, T) in [0, 1], negative where they are unknown."""
    pixels = config.template_pixels
    windows = _windows(
        noise,
        pairs.template,
        pixels * torch.ones_like(noise.take(1)),
        config.template_shift,
        config.template_scale,
    )
    strength = torch.where(steady, 0.0, torch.where(pairs.same, 1.0, SLIGHT))
    turn = noise.signed(1)[:, 0] * math.radians(config.turn) * strength
    bend = bends(noise, config.bend * strength, pixels)
    layers = torch.cat([_planes(pairs.template), _layers(pairs.template_mask)], dim=1)
    sampled = _sample(layers, _turned(windows, turn), pixels, flip, bend)
    masks = torch.where((sampled[:, 4] > 0.25) & (sampled[:, 3] < 0.5), -1.0, sampled[:, 3])
    return sampled[:, :3], masks


def _windows(noise: Noise, crops: Tensor, pixels: Tensor, shift: float, scale: float) -> Tensor:
    """(N, 4) cx cy w h of the windows of about `pixels` (N, 1), in crop pixels, kept inside the crop."""
    side = crops.shape[1]
    size = (pixels * (1 + noise.signed(2) * scale)).clamp(max=side)  # (N, 2)
    center = side / 2 + noise.signed(2) * shift
    return torch.cat([torch.minimum(torch.maximum(center, size / 2), side - size / 2), size], dim=1)


def _upright(windows: Tensor) -> Tensor:
    return _turned(windows, torch.zeros_like(windows[:, 0]))


def _turned(windows: Tensor, turn: Tensor) -> Tensor:
    """(N, 5): windows and by how much they are turned, radians."""
    return torch.cat([windows, turn[:, None]], dim=1)


def _sample(planes: Tensor, windows: Tensor, pixels: int, flip: Tensor, bend: Tensor | None = None) -> Tensor:
    """Bilinear patches (N, C, pixels, pixels) of windows (N, 5); mirrored where flip is true, and bent by
    (N, pixels, pixels, 2), patch pixels.
    """
    side = planes.shape[-1]
    center = windows[:, :2] * 2 / side - 1
    width, height = (windows[:, 2:4] / side).unbind(dim=1)
    width = torch.where(flip, -width, width)
    cos, sin = windows[:, 4].cos(), windows[:, 4].sin()
    rows = [cos * width, -sin * height, center[:, 0], sin * width, cos * height, center[:, 1]]
    theta = torch.stack(rows, dim=1).unflatten(1, (2, 3))
    grid = F.affine_grid(theta, [len(planes), 1, pixels, pixels], align_corners=False)
    if bend is not None:
        grid = grid + bend * (windows[:, None, None, 2:4] / side * 2 / pixels)
    return F.grid_sample(planes, grid, padding_mode="border", align_corners=False)


def _prior(pairs: Pair, windows: Tensor, noise: Noise, flip: Tensor) -> Tensor:
    """(N, PRIOR_CELLS, PRIOR_CELLS): the mask before, a little elsewhere; more so if it is this frame's."""
    far = torch.where(pairs.moved, 1.0, 2.5)[:, None]
    center = windows[:, :2] + noise.signed(2) * PRIOR_SHIFT * far
    size = windows[:, 2:] * (1 + noise.signed(2) * PRIOR_SCALE * far)
    planes = (pairs.prior == KNOWN_OBJECT)[:, None].float()
    fine = _sample(planes, _upright(torch.cat([center, size], dim=1)), 2 * PRIOR_CELLS, flip)
    return F.avg_pool2d(fine, 2)[:, 0]


def _remembered(masks: Tensor, noise: Noise, start: Tensor, steady: Tensor, config: AugmentConfig) -> Tensor:
    """The template masks (N, T, T) as a tracker would have them: often wrong in places, sometimes missing."""
    spoilt = spoil(masks, noise, config.spoil, size=5)
    first = start & (noise.take(1)[:, 0] < FIRST_LOOK)
    forgotten = ~steady & (noise.take(1)[:, 0] < config.forget)
    return torch.where((first | forgotten)[:, None, None], 0.0, spoilt)


def _believed(prior: Tensor, noise: Noise, start: Tensor, config: AugmentConfig) -> Tensor:
    """Priors (N, S, S) as a tracker would have them."""
    spoilt = spoil(prior, noise, config.spoil, size=3)
    forgotten = noise.take(1)[:, 0] < config.forget
    spoilt = torch.where(forgotten[:, None, None], 0.0, spoilt)
    return torch.where(start[:, None, None], prior, spoilt)


def _moved(boxes: Tensor, windows: Tensor, pixels: int, flip: Tensor) -> Tensor:
    """Boxes (N, 4) from crop to patch pixels."""
    corner = windows[:, :2] - windows[:, 2:] / 2
    moved = (boxes - corner.repeat(1, 2)) * (pixels / windows[:, 2:]).repeat(1, 2)
    mirrored = torch.stack([pixels - moved[:, 2], moved[:, 1], pixels - moved[:, 0], moved[:, 3]], dim=1)
    return torch.where(flip[:, None], mirrored, moved)


@dataclass(frozen=True, slots=True)
class _Tint:
    """Contrast, brightness and lighting of N patches."""

    gain: Tensor  # (N, 1)
    shift: Tensor  # (N, 3)

    @classmethod
    def draw(cls, noise: Noise, config: AugmentConfig) -> "_Tint":
        lighting = noise.normal(3) @ noise.like(LIGHTING).T  # (N, 3)
        shift = noise.signed(1) * config.brightness + lighting
        return cls(1 + noise.signed(1) * config.contrast, shift)

    def __call__(self, patches: Tensor, grey: Tensor) -> Tensor:
        """The patches so changed; without colours where grey is true."""
        luma = patches.new_tensor([0.299, 0.587, 0.114])
        flat = torch.einsum("nchw,c->nhw", patches, luma)[:, None]
        patches = torch.where(grey[:, None, None, None], flat, patches)
        mean = patches.mean(dim=(1, 2, 3), keepdim=True)
        changed = (patches - mean) * self.gain[:, :, None, None] + mean + self.shift[:, :, None, None]
        return changed.clamp(0, 255)
