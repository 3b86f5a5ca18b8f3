"""COCO's segmentations: outlines, and run lengths down the columns, checked against their picture and box."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from s2iammask_core.boxes import Box
from s2iammask_core.files.labels import Mask

LEAST_FIT = 0.25  # IoU of a box with that around its outlines, below which they are of different objects
ROUNDED = 1.0  # pixels by which either may be rounded, which matters for tiny objects


def checked_runs(segmentation: Mapping[str, Any], size: tuple[int, int]) -> list[int]:
    """Run lengths from an object with `size` and `counts`, a list or a compressed text.

    size: height and width of the picture. ValueError if they are not its, or show nothing.
    """
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


def checked_outlines(outlines: Iterable[Sequence[float]], box: Box) -> list[list[float]]:
    """Outlines x y x y ... of an object with a box; ValueError for one that cannot be right."""
    found = [_checked_outline(each) for each in outlines]
    if found:
        _check_fit(found, box)
    return found


def mask_of_runs(counts: ArrayLike, height: int, width: int) -> Mask:
    """The mask (H, W) of run lengths that add up to its pixels, in turn background and object."""
    runs = np.asarray(counts)
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(flat.reshape(width, height).T)


def decode_counts(text: str) -> list[int]:
    """COCO's compressed run lengths: 5 bits a character; from the fourth on, changes from two runs before."""
    counts: list[int] = []
    value = shift = 0
    for code in text.encode():
        bits = code - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    return counts


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
