"""Overlap of polygons in pixels, drawn as the VOT toolkit draws them, and of upright boxes.

The VOT toolkit rounds the vertices to pixels and fills whole scanlines, both ends included. Here all
scanlines of all pairs are computed at once: a polygon is a few runs of pixels on each scanline, and areas are
sums of run lengths.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s2iammask_core.boxes import Box

Regions = NDArray[np.float32]  # (N, M, 2) polygons x y; a polygon of NaN stands for no region
Overlaps = NDArray[np.float64]  # (N,), in [0, 1], NaN where there was nothing to compare

_ROWS_AT_ONCE = 1 << 18  # scanlines in memory at a time
_NO_NODE = np.int32(1 << 30)  # sorts behind every crossing


def polygon_overlaps(
    first: ArrayLike, second: ArrayLike, bounds: tuple[float, float] | None = None
) -> Overlaps:
    """Intersection over union of polygon pairs, inside bounds (width, height) if given.

    Args:
        first, second: (N, M, 2) and (N, K, 2), x y of the vertices. Repeated vertices change nothing.

    Returns:
        (N,), in [0, 1]; NaN where one of the two is NaN.
    """
    a, b = np.asarray(first, np.float32), np.asarray(second, np.float32)
    overlaps = np.full(len(a), np.nan)
    known = np.flatnonzero(np.isfinite(a).all(axis=(1, 2)) & np.isfinite(b).all(axis=(1, 2)))
    overlaps[known] = 0.0
    window = _Windows.of(a[known], b[known], bounds)
    meeting = np.flatnonzero(window.meet)
    rows = window.size[meeting, 1]
    for part in _parts(rows):
        chosen = meeting[part]
        pair = known[chosen]
        overlaps[pair] = _drawn_overlaps(a[pair], b[pair], window.origin[chosen], window.size[chosen])
    return overlaps


def polygon_overlap(first: ArrayLike, second: ArrayLike, bounds: tuple[float, float] | None = None) -> float:
    """The overlap of one pair of polygons (M, 2) and (K, 2)."""
    return float(polygon_overlaps(np.asarray(first)[None], np.asarray(second)[None], bounds)[0])


def box_overlaps(first: ArrayLike, second: ArrayLike) -> Overlaps:
    """Intersection over union (N,) of upright boxes (N, 4) x y width height; 0 where both are empty."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    low = np.maximum(a[:, :2], b[:, :2])
    high = np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    common = (high - low).clip(min=0).prod(axis=1)
    union = a[:, 2:].prod(axis=1) + b[:, 2:].prod(axis=1) - common
    return np.where(union > 0, common / np.where(union > 0, union, 1), 0.0)


def box_overlap(truth: Box, answer: Box, void: NDArray[np.bool_]) -> float:
    """The same of two boxes in frame pixels, without what void (H, W) covers of them."""
    x1, y1 = max(truth.x1, answer.x1), max(truth.y1, answer.y1)
    common = Box(x1, y1, min(truth.x2, answer.x2), min(truth.y2, answer.y2))
    both, one, other = (_area_outside(void, each) for each in (common, truth, answer))
    union = one + other - both
    return both / union if union > 0 else 0.0


def _area_outside(void: NDArray[np.bool_], box: Box) -> float:
    if box.area == 0:
        return 0.0
    rows, columns = (
        np.clip(np.minimum(np.arange(size) + 1, high) - np.maximum(np.arange(size), low), 0, 1)
        for size, low, high in zip(void.shape, (box.y1, box.x1), (box.y2, box.x2), strict=True)
    )  # how much of each row and column of pixels the box covers
    return box.area - float(rows @ void @ columns)


@dataclass(frozen=True, slots=True)
class _Windows:
    """The pixel windows that N pairs are drawn into."""

    origin: Regions  # (N, 2) x y
    size: NDArray[np.int64]  # (N, 2) columns, rows
    meet: NDArray[np.bool_]  # (N,) whether the bounds of the two have a common area

    @classmethod
    def of(cls, a: Regions, b: Regions, bounds: tuple[float, float] | None) -> "_Windows":
        low_a, high_a = _bounds(a, bounds)
        low_b, high_b = _bounds(b, bounds)
        origin = np.minimum(low_a, low_b)
        size = (np.maximum(high_a, high_b) - origin).astype(np.int64) + 1
        common = np.minimum(high_a, high_b) - np.maximum(low_a, low_b)
        area_a, area_b = (high_a - low_a).prod(axis=1), (high_b - low_b).prod(axis=1)
        alike = (area_a > 1e-10 * area_b) & (area_b > 1e-10 * area_a)
        return cls(origin, size, (common > 0).all(axis=1) & (size >= 1).all(axis=1) & alike)


def _bounds(polygons: Regions, bounds: tuple[float, float] | None) -> tuple[Regions, Regions]:
    """Lowest and highest x y (N, 2) of each polygon, in whole pixels."""
    low, high = np.floor(polygons.min(axis=1)), np.ceil(polygons.max(axis=1))
    if bounds is None:
        return low, high
    return np.maximum(low, np.float32(0)), np.minimum(high, np.asarray(bounds, np.float32))


def _parts(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Splits the pairs, of so many scanlines each, into groups that fit into memory."""
    group = np.cumsum(rows) // _ROWS_AT_ONCE
    return np.split(np.arange(len(rows)), np.flatnonzero(np.diff(group)) + 1) if len(rows) else []


def _drawn_overlaps(a: Regions, b: Regions, origin: Regions, size: NDArray[np.int64]) -> Overlaps:
    """Overlaps (P,) of pairs whose bounds meet."""
    rows = size[:, 1]
    begin = np.cumsum(rows) - rows  # (P,) where the scanlines of a pair begin
    pair = np.repeat(np.arange(len(rows)), rows)  # (T,) the pair of each scanline
    row = np.arange(len(pair)) - begin[pair]  # (T,)
    last = size[pair, 0] - 1  # (T,) last column of the window
    runs_a = _runs(_rounded(a - origin[:, None])[pair], row, last)
    runs_b = _runs(_rounded(b - origin[:, None])[pair], row, last)
    common = np.add.reduceat(_common(runs_a, runs_b, len(row)), begin)  # (P,)
    both = np.add.reduceat(_filled(runs_a, len(row)) + _filled(runs_b, len(row)), begin)
    union = both - common
    return np.where(union > 0, common / np.maximum(union, 1), 0.0)


def _rounded(values: Regions) -> NDArray[np.float64]:
    """Rounds half away from zero, as C does."""
    exact = values.astype(np.float64)
    return np.copysign(np.floor(np.abs(exact) + 0.5), exact)


# The first and the last filled column (T,) on each scanline; nothing is filled where last < first.
Run = tuple[NDArray[np.int32], NDArray[np.int32]]


def _runs(polygons: NDArray[np.float64], row: NDArray[np.int64], last: NDArray[np.int64]) -> list[Run]:
    """The filled runs on T scanlines, from left to right and without common pixels.

    Args:
        polygons: (T, M, 2), the polygon of each scanline, vertices in whole pixels of the window.
    """
    nodes = _crossings(polygons, row)  # (T, M) sorted
    at = np.zeros(len(row), np.int64)  # the node that the walk along the scanline has come to
    filled_to = np.full(len(row), -1, np.int32)
    runs: list[Run] = []
    for k in range(nodes.shape[1] - 1):
        left, right = nodes[:, k], nodes[:, k + 1]
        here = (at == k) & (right < _NO_NODE)
        fills = here & (left != right)
        at += here.astype(np.int64) + fills
        start = np.maximum(left, filled_to + 1)
        end = np.where(fills, np.minimum(right, last), -1).astype(np.int32)
        filled_to = np.maximum(filled_to, end)
        if (end >= start).any():
            runs.append((start, end))
    return runs


def _crossings(polygons: NDArray[np.float64], row: NDArray[np.int64]) -> NDArray[np.int32]:
    """The columns (T, M) where edges cross the scanlines, sorted, absent ones last.

    A vertex counts for both of its edges.
    """
    x, y = polygons[..., 0], polygons[..., 1]
    rise = np.roll(y, 1, axis=1) - y
    run = np.roll(x, 1, axis=1) - x
    below = row[:, None] - y
    crossed = (rise != 0) & (np.minimum(rise, 0) <= below) & (below <= np.maximum(rise, 0))
    column = x + below / np.where(rise == 0, 1, rise) * run
    nodes = np.where(crossed, column, _NO_NODE).astype(np.int32)  # truncates
    nodes.sort(axis=1)
    return nodes


def _filled(runs: list[Run], rows: int) -> NDArray[np.int64]:
    """Filled pixels (T,) of each scanline."""
    total = np.zeros(rows, np.int64)
    for start, end in runs:
        total += np.maximum(end - start + 1, 0)
    return total


def _common(runs: list[Run], others: list[Run], rows: int) -> NDArray[np.int64]:
    """Pixels (T,) of each scanline that both fill."""
    total = np.zeros(rows, np.int64)
    for start, end in runs:
        for other_start, other_end in others:
            total += np.maximum(np.minimum(end, other_end) - np.maximum(start, other_start) + 1, 0)
    return total
