"""Masks as lengths of runs: what TrackedObject.mask_runs holds, and COCO's uncompressed "counts"."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s2iammask_core.errors import FrameError


def mask_runs(mask: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """The lengths of runs of equal pixels of a mask (h, w), down its columns, background first."""
    pixels = np.asarray(mask, np.bool_).ravel(order="F")
    if not pixels.size:
        return np.zeros(0, np.uint32)
    edges = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    runs = np.diff(edges, prepend=0, append=pixels.size)
    return np.concatenate([[0] * bool(pixels[0]), runs]).astype(np.uint32)


def frame_runs(mask: NDArray[np.bool_], x: int, y: int, size: tuple[int, int]) -> NDArray[np.int64]:
    """The same of a frame of that size (H, W) with nothing but a mask (h, w) in it, from its pixel (y, x) on.
    Only the mask is looked at.
    """
    height, width = size
    guarded = np.zeros((mask.shape[0] + 1, mask.shape[1]), np.bool_, order="F")
    guarded[:-1] = mask  # and below it background, so that no run goes on in the next column
    columns, rows = np.divmod(np.cumsum(mask_runs(guarded), dtype=np.int64)[:-1], len(guarded))
    places = (x + columns) * height + y + rows
    # What ends at the frame's lower edge and what begins at the next column's upper edge is one run.
    edges = places[(np.diff(places, prepend=-1) > 0) & (np.diff(places, append=height * width + 1) > 0)]
    runs: NDArray[np.int64] = np.diff(edges, prepend=0, append=height * width)
    return runs if runs[-1] else runs[:-1]


def mask_from_runs(runs: ArrayLike, height: int, width: int) -> NDArray[np.bool_]:
    """The mask (height, width) that `mask_runs` was made of; FrameError if they do not fit that size."""
    lengths = np.asarray(runs, np.int64)
    if lengths.ndim != 1 or (lengths < 0).any() or lengths.sum() != height * width:
        raise FrameError(f"runs of {lengths.sum()} pixels make no mask of {width} x {height} pixels")
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T
