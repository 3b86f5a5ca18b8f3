"""Numbers in text files, and the regions that benchmarks write with them.

VOT counts pixels by their centres: its polygon with corners 10 and 30 covers the 21 pixels 10 to 30. In the
continuous coordinates of the rest of the package these are 10 to 31. OTB counts pixels from 1.
"""

import math
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box, Points, RotatedBox
from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.overlap import Regions
from s2iammask_core.files.texts import read_number_rows


def read_boxes(path: Path) -> NDArray[np.float64]:
    """Boxes (N, 4) x y width height, one in each line; NaN for a blank line, which has no box.

    DatasetError names the line that holds something else, or an infinite number.
    """
    rows = [row or [math.nan] * 4 for row in read_number_rows(path)]
    for number, row in enumerate(rows, start=1):
        if len(row) != 4:
            raise DatasetError(f"{path}, line {number}: expected x, y, width, height, got {len(row)} numbers")
        if any(map(math.isinf, row)):
            raise DatasetError(f"{path}, line {number}: the box has a number that is not finite")
    return np.array(rows, np.float64).reshape(-1, 4)


def check_start(boxes: NDArray[np.float64], source: object) -> None:
    """DatasetError unless the first box (of (N, 4)) is one that a tracker can start on."""
    first = boxes[0] if len(boxes) else np.full(4, np.nan)
    if not np.isfinite(first).all() or min(first[2:]) <= 0:
        given = ",".join(f"{value:g}" for value in first)
        raise DatasetError(f"{source}: the first frame has no object to start on, its box is {given}")


class Rectangles(Enum):
    """How many pixels a VOT region of 4 numbers covers."""

    TOOLKIT = "toolkit"  # width x height, as in the official vot-toolkit
    PYSOT = "pysot"  # one more in both directions, as PySOT and older toolkits count

    @property
    def beyond(self) -> int:
        """From the number of pixels to the distance between the centres of the first and the last."""
        return -1 if self is Rectangles.TOOLKIT else 0


def polygon(numbers: Sequence[float], where: str, rectangles: Rectangles = Rectangles.TOOLKIT) -> Points:
    """The vertices (M, 2) that a VOT file means by 4 numbers (x y width height) or by x y of each vertex.

    DatasetError, which says where, if they are neither, or not finite.
    """
    count = len(numbers)
    if count == 4:
        x, y, width, height = numbers
        right, bottom = x + width + rectangles.beyond, y + height + rectangles.beyond
        numbers = (x, y, x, bottom, right, bottom, right, y)
    elif count < 6 or count % 2:
        raise DatasetError(f"{where}: a region has 4 numbers, or 3 or more pairs of numbers, not {count}")
    with np.errstate(over="ignore"):  # beyond float32 they are infinite
        vertices = np.array(numbers, np.float32).reshape(-1, 2)
    if not np.isfinite(vertices).all():
        raise DatasetError(f"{where}: the region has numbers that are not finite")
    return vertices


def stacked(polygons: Sequence[Points | None]) -> Regions:
    """Polygons as one array (N, M, 2): the last vertex repeated where there are fewer, NaN for None."""
    count = max((len(each) for each in polygons if each is not None), default=1)
    regions = np.full((len(polygons), count, 2), np.nan, np.float32)
    for region, each in zip(regions, polygons, strict=True):
        if each is not None:
            region[: len(each)] = each
            region[len(each) :] = each[-1]
    return regions


def read_polygons(path: Path, rectangles: Rectangles) -> Regions:
    """The regions (N, M, 2) of a VOT ground truth; NaN where the object is absent, as in a blank line."""
    return to_regions(read_number_rows(path), str(path), rectangles)


def to_regions(rows: Sequence[Sequence[float]], source: str, rectangles: Rectangles) -> Regions:
    """Regions (N, M, 2) of rows of numbers; DatasetError names the source and the row that is none."""
    return stacked(
        [
            None
            if not row or any(map(math.isnan, row))
            else polygon(row, f"{source}, row {number}", rectangles)
            for number, row in enumerate(rows, start=1)
        ]
    )


def to_target(region: Points) -> Points:
    """A VOT polygon (M, 2) in the continuous coordinates that a tracker is started with."""
    return region + np.float32(0.5)


def to_region(box: RotatedBox) -> Points:
    """The VOT polygon (4, 2) that covers the pixels of a rotated box, as polygon() does for upright ones."""
    width, height = max(box.width - 1, 0.0), max(box.height - 1, 0.0)
    return RotatedBox(box.cx - 0.5, box.cy - 0.5, width, height, box.theta).corners


def to_box(numbers: NDArray[np.float64], first_pixel: int) -> Box:
    """A box from x y width height that counts pixels from first_pixel."""
    x, y, width, height = numbers.tolist()
    return Box.from_xywh(x - first_pixel, y - first_pixel, width, height)


def from_box(box: Box, first_pixel: int) -> list[float]:
    """The inverse of to_box: x y width height, counting pixels from first_pixel."""
    x, y, width, height = box.xywh
    return [x + first_pixel, y + first_pixel, width, height]
