"""COCO's segmentations as flat arrays: outlines and run lengths of all annotations of a set."""

from array import array
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import MaskSource
from s2iammask_core.data.mask_sources import PolygonMask, RleMask
from s2iammask_core.files.segmentations import checked_outlines, checked_runs


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
            self._runs.extend(checked_runs(segmentation, size))
        else:
            for outline in checked_outlines(segmentation or (), box):
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
