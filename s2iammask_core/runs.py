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


def mask_from_runs(runs: ArrayLike, height: int, width: int) -> NDArray[np.bool_]:
    """The mask (height, width) that `mask_runs` was made of; FrameError if they do not fit that size."""
    lengths = np.asarray(runs, np.int64)
    if lengths.ndim != 1 or (lengths < 0).any() or lengths.sum() != height * width:
        raise FrameError(f"runs of {lengths.sum()} pixels make no mask of {width} x {height} pixels")
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T
