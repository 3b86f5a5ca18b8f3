"""Masks as lengths of runs: what TrackedObject.mask_runs holds, and COCO's uncompressed "counts"."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s2iammask_core.errors import FrameError


def mask_runs(mask: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """The lengths of runs of equal pixels of a mask (h, w), down its columns, background first."""
    pixels = np.asarray(mask, np.bool_).ravel(order="F")
    if not pixels.size:
        return np.zeros(0, np.uint32)
    return np.diff(_edges(pixels), prepend=0, append=pixels.size).astype(np.uint32)


def frame_runs(mask: NDArray[np.bool_], x: int, y: int, size: tuple[int, int]) -> NDArray[np.int64]:
    """The same of a frame of that size (H, W) with nothing but a mask (h, w) in it, from its pixel (y, x) on.
    Only the mask is looked at.
    """
    (height, width), (rows, columns) = size, mask.shape
    guarded = np.zeros((rows + 1, columns), np.bool_, order="F")
    guarded[:-1] = mask  # and below it background, so that no run goes on in the next column
    edges = _edges(guarded.ravel(order="F"))
    edges = edges + edges // (rows + 1) * (height - rows - 1) + x * height + y
    if (
        rows == height
    ):  # what ends at a column's lower edge and begins at the next one's upper edge is one run
        edges = edges[(np.diff(edges, prepend=-1) > 0) & (np.diff(edges, append=height * width + 1) > 0)]
    runs: NDArray[np.int64] = np.diff(edges, prepend=0, append=height * width)
    return runs if runs[-1] else runs[:-1]


def _edges(pixels: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where pixels (n) differ from the one before; before the first is background."""
    edges = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    return np.append(0, edges) if pixels[:1].any() else edges


def mask_from_runs(runs: ArrayLike, height: int, width: int) -> NDArray[np.bool_]:
    """The mask (height, width) that `mask_runs` was made of; FrameError if they do not fit that size."""
    lengths = np.asarray(runs, np.int64)
    if lengths.ndim != 1 or (lengths < 0).any() or lengths.sum() != height * width:
        raise FrameError(f"runs of {lengths.sum()} pixels make no mask of {width} x {height} pixels")
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T
