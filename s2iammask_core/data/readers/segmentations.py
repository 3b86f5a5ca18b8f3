"""COCO's segmentations: outlines and run lengths, checked against their picture and box, as flat arrays."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import MaskSource
from s2iammask_core.data.mask_sources import PolygonMask, RleMask, decode_counts

LEAST_FIT = 0.25  # IoU of a box with that around its outlines, below which they are of different objects
ROUNDED = 1.0  # pixels by which either may be rounded, which matters for tiny objects


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Masks of N annotations as flat arrays: polygons, run lengths or nothing."""

    points: NDArray[np.float32]  # (2P,) x y x y ... of all outlines
    ring_ends: NDArray[np.int64]  # (R,) where each outline ends in points
    rings: NDArray[np.int64]  # (N + 1,) first outline of each annotation
    runs: NDArray[np.uint32]  # (C,) run lengths of all annotations that have them
    run_starts: NDArray[np.int64]  # (N + 1,)
    sizes: NDArray[np.int32]  # (N, 2) height, width of the picture

    def at(self, row: int, _frame: Path, _track: int) -> MaskSource | None:
        height, width = self.sizes[row].tolist()
        runs = self.runs[self.run_starts[row] : self.run_starts[row + 1]]
        if len(runs):
            return RleMask(runs, height, width)
        first, last = self.rings[row : row + 2].tolist()
        if first == last:
            return None
        bounds = [int(self.ring_ends[first - 1]) if first else 0, *self.ring_ends[first:last].tolist()]
        rings = tuple(self.points[start:end].reshape(-1, 2) for start, end in pairwise(bounds))
        return PolygonMask(rings, height, width)


class SegmentsBuilder:
    """Collects the segmentations in the order of the annotations; ValueError for one that cannot be right."""

    def __init__(self) -> None:
        self._points, self._runs = array("f"), array("I")
        self._ring_ends, self._rings, self._run_starts = array("q"), array("q", [0]), array("q", [0])
        self._sizes = array("i")

    def add(self, segmentation: Any, box: Box, size: tuple[int, int]) -> None:
        """A list of flat outlines, or an object with run lengths as a list or as a compressed string.

        size: height and width of the picture.
        """
        if isinstance(segmentation, dict):
            self._runs.extend(_checked_runs(segmentation, size))
        else:
            outlines = [_checked_outline(each) for each in segmentation or ()]
            if outlines:
                _check_fit(outlines, box)
            for outline in outlines:
                self._points.extend(outline)
                self._ring_ends.append(len(self._points))
        self._rings.append(len(self._ring_ends))
        self._run_starts.append(len(self._runs))
        self._sizes.extend(size)

    def build(self) -> Segments:
        return Segments(
            np.array(self._points, np.float32),
            np.array(self._ring_ends, np.int64),
            np.array(self._rings, np.int64),
            np.array(self._runs, np.uint32),
            np.array(self._run_starts, np.int64),
            np.array(self._sizes, np.int32).reshape(-1, 2),
        )


def _checked_runs(segmentation: dict[str, Any], size: tuple[int, int]) -> list[int]:
    height, width = size
    given = list(segmentation["size"])
    if given != [height, width]:
        hint = "; are height and width exchanged?" if given == [width, height] else ""
        raise ValueError(f"its run lengths are for {given}, the picture is {[height, width]}{hint}")
    counts = segmentation["counts"]
    runs = decode_counts(counts) if isinstance(counts, str) else [int(each) for each in counts]
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(f"its run lengths sum to {sum(runs)}, the picture has {height * width} pixels")
    if not sum(runs[1::2]):
        raise ValueError("its run lengths hold no pixel of the object")
    return runs


def _checked_outline(outline: Sequence[float]) -> list[float]:
    points = [float(each) for each in outline]
    if len(points) < 6 or len(points) % 2:
        raise ValueError(f"an outline has 3 or more pairs of numbers, not {len(points)} numbers")
    if not all(map(math.isfinite, points)):
        raise ValueError("an outline has a number that is not finite")
    return points


def _check_fit(outlines: Sequence[list[float]], box: Box) -> None:
    xs, ys = [x for each in outlines for x in each[::2]], [y for each in outlines for y in each[1::2]]
    around = Box(min(xs), min(ys), max(xs), max(ys))
    if _grown(around).iou(_grown(box)) < LEAST_FIT:
        raise ValueError(f"its box {box.text} does not fit its outline, around which {around.text} is")


def _grown(box: Box) -> Box:
    return Box(box.x1 - ROUNDED, box.y1 - ROUNDED, box.x2 + ROUNDED, box.y2 + ROUNDED)
