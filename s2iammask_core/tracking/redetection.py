"""The search for lost targets: windows over the whole frame, a few in each frame, and who is accepted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.config import TrackerConfig
from s2iammask_core.errors import TargetError
from s2iammask_core.geometry import HostArray, context_side
from s2iammask_core.tracking.start import Start, checked_start
from s2iammask_core.tracking.target import SMALLEST_SIDE, Sighting, Target, placed
from s2iammask_core.tracking.track import TrackState

MOST_HINTS = 256  # of those that are given, the first ones
REACH = 0.75  # of a window's side: where the anchors' centres are
STEP = 0.5  # of a window's side between windows: a whole object is always near the middle of one


@dataclass(frozen=True, slots=True)
class View:
    """A window to look through for a target."""

    row: int  # of the target
    target: Target  # as if it had been in the middle of the window
    hinted: bool = False  # whether a detector named the place


def views_of(
    targets: tuple[Target, ...],
    config: TrackerConfig,
    frame_size: tuple[int, int],
    hints: Sequence[Box] = (),
) -> list[View]:
    """A window around each target, and more of them for those that are lost.

    The search grows from where a target was last seen over the whole frame, and then begins again.
    All windows have the template's scale, in which alone the network knows the object; around a hint, a place
    where a detector saw something, they have the scale of an object of the hint's size. A frame costs at most
    redetect_patches more windows, or one for each lost target if those are more, and redetect_hints likewise.
    """
    views = [View(row, target) for row, target in enumerate(targets)]
    lost = [view for view in views if view.target.health.state is TrackState.LOST]
    for view in lost:
        tiles = tiles_of(view.target, config, frame_size)
        views += [
            View(view.row, replace(view.target, cx=x, cy=y))
            for x, y in tiles[_by_turns(view.target, tiles, config.redetect_patches, len(lost))].tolist()
        ]
        hinted = hinted_at(view.target, hints, frame_size)
        centers = np.array([(each.cx, each.cy) for each in hinted]).reshape(-1, 2)
        views += [
            View(view.row, hinted[number], hinted=True)
            for number in _by_turns(view.target, centers, config.redetect_hints, len(lost))
        ]
    return views


def hinted_at(target: Target, hints: Sequence[Box], frame_size: tuple[int, int]) -> list[Target]:
    """The target as if it had been at each of the hints that it could be at."""
    places = usable_hints(hints, frame_size)
    return [placed(target, Start(place).visible(frame_size), frame_size) for place in places]


def usable_hints(hints: Sequence[Box], frame_size: tuple[int, int]) -> list[Box]:
    """Those that an object in a frame (H, W) could have: finite, not empty, not far larger, not outside."""
    return [hint for hint in hints[:MOST_HINTS] if _is_usable(hint, frame_size)]


def _is_usable(hint: Box, frame_size: tuple[int, int]) -> bool:
    try:
        checked_start(hint, frame_size)
    except TargetError:
        return False
    return True


def _by_turns(target: Target, places: HostArray, most: int, lost: int) -> list[int]:
    """The share of one of the lost targets in this frame, of places (M, 2): the next to look at, the nearest
    to the target first.
    """
    if not most or not len(places):
        return []
    count = max(most // lost, 1)
    first = (target.health.lost_frames - 1) * count
    chosen = {(first + k) % len(places) for k in range(count)}
    found: list[int] = _by_distance(target, places)[sorted(chosen)].tolist()
    return found


def nearest_first(target: Target, places: HostArray) -> HostArray:
    """Places (M, 2) in the order of their distance from the target."""
    ordered: HostArray = places[_by_distance(target, places)]
    return ordered


def _by_distance(target: Target, places: HostArray) -> NDArray[np.intp]:
    order: NDArray[np.intp] = np.hypot(*(places - (target.cx, target.cy)).T).argsort(kind="stable")
    return order


def tiles_of(target: Target, config: TrackerConfig, frame_size: tuple[int, int]) -> HostArray:
    """Centres (M, 2) of the windows that the frame is searched in: for a small target tens of thousands."""
    sides = max(target.width, SMALLEST_SIDE), max(target.height, SMALLEST_SIDE)  # else there were millions
    template_side = context_side(*sides, config.context)
    return window_centers(template_side * config.search_pixels / config.template_pixels, frame_size)


def window_centers(side: float, frame_size: tuple[int, int]) -> HostArray:
    """Centres (M, 2), x y, of windows that cover a frame (H, W) together, row by row."""
    ys, xs = (_spread(length, side) for length in frame_size)
    return np.stack([np.tile(xs, len(ys)), np.repeat(ys, len(xs))], axis=1)


def _spread(length: int, side: float) -> HostArray:
    margin = REACH * side / 2
    if length <= 2 * margin:
        return np.array([length / 2])
    count = math.ceil((length - 2 * margin) / (STEP * side)) + 1
    return margin + (length - 2 * margin) * np.arange(count) / (count - 1)


def is_promising(sighting: Sighting, config: TrackerConfig) -> bool:
    """Whether a find is sure enough to be compared with the template."""
    sure = sighting.score >= config.redetect_score and sighting.agreement >= config.redetect_agreement
    return sighting.is_finite and sure
