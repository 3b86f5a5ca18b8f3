"""The search for lost targets: windows over the whole frame, a few in each frame, and who is accepted."""

import math
from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import Tensor

from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import context_side
from s2iammask_core.tracking.target import Sighting, Target
from s2iammask_core.tracking.track import TrackState

REACH = 0.75  # of a window's side: where the anchors' centres are
STEP = 0.5  # of a window's side between windows: a whole object is always near the middle of one


@dataclass(frozen=True, slots=True)
class View:
    """A window to look through for a target."""

    row: int  # of the target
    target: Target  # as if it had been in the middle of the window


def views_of(targets: tuple[Target, ...], config: TrackerConfig, frame_size: tuple[int, int]) -> list[View]:
    """A window around each target, and more of them for those that are lost.

    The search grows from where a target was last seen over the whole frame, and then begins again.
    All windows have the template's scale, in which alone the network knows the object. A frame costs at most
    redetect_patches more windows, or one for each lost target if those are more.
    """
    views = [View(row, target) for row, target in enumerate(targets)]
    lost = [view for view in views if view.target.health.state is TrackState.LOST]
    if lost and config.redetect_patches:
        share = max(config.redetect_patches // len(lost), 1)
        for view in lost:
            views += [View(view.row, moved) for moved in _elsewhere(view.target, share, config, frame_size)]
    return views


def _elsewhere(
    target: Target, count: int, config: TrackerConfig, frame_size: tuple[int, int]
) -> list[Target]:
    """The next `count` places to look at, the nearest first."""
    template_side = context_side(target.width, target.height, config.context)
    side = template_side * config.search_pixels / config.template_pixels
    places = window_centers(side, frame_size)
    places.sort(key=lambda place: math.dist(place, (target.cx, target.cy)))
    first = (target.health.lost_frames - 1) * count
    chosen = {(first + k) % len(places) for k in range(count)}
    return [replace(target, cx=places[k][0], cy=places[k][1]) for k in sorted(chosen)]


def window_centers(side: float, frame_size: tuple[int, int]) -> list[tuple[float, float]]:
    """Centres x y of windows that cover a frame (H, W) together."""
    ys, xs = (_spread(length, side) for length in frame_size)
    return [(x, y) for y in ys for x in xs]


def _spread(length: int, side: float) -> list[float]:
    margin = REACH * side / 2
    if length <= 2 * margin:
        return [length / 2]
    count = math.ceil((length - 2 * margin) / (STEP * side)) + 1
    return [margin + (length - 2 * margin) * k / (count - 1) for k in range(count)]


def is_promising(sighting: Sighting, config: TrackerConfig) -> bool:
    """Whether a find is sure enough to be compared with the template."""
    sure = sighting.score >= config.redetect_score and sighting.agreement >= config.redetect_agreement
    return sighting.is_finite and sure


def similarities(kernels: Tensor, kernel: Tensor) -> list[float]:
    """Cosines of template kernels (M, C, h, w) with that of a target (C, h, w), each in [-1, 1]."""
    cosines: list[float] = F.cosine_similarity(kernels.flatten(1).float(), kernel.flatten().float()).tolist()
    return cosines
