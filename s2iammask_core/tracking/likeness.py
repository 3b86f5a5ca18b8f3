"""How much what is found is like a target that was lost: by the pixels that the network remembers and by
colours, or, without a memory, by the templates' kernels and colours.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.geometry import Frame
from s2iammask_core.tracking.arrays import host_floats, joined
from s2iammask_core.tracking.colours import colours_of
from s2iammask_core.tracking.network import MEMORY_CELLS, MEMORY_FAINT, MEMORY_KEY
from s2iammask_core.tracking.runner import Kernels
from s2iammask_core.tracking.target import Sighting, Target

SMALLEST_NORM = 1e-8  # of values that have a direction
OBJECT = 0.5  # share of the object in a cell that belongs to it
SMALL_PRODUCT = 2**18  # multiplications for which OpenBLAS wakes nobody
OF_THREE = 0.4  # power of a product of three shares that puts it on the scale of kernels times colours

Floats: TypeAlias = NDArray[np.float32]  # (rows, columns)


def likenesses(
    frame: Frame,
    finds: list[tuple[Target, Sighting]],
    found: Kernels,
    known: Kernels,
    memory: int,
) -> list[float]:
    """In [-1, 1] of each of M finds, each with the target that it might be.

    A Siamese network is trained to find any object of the kind, so kernels tell one from another badly, and
    pixels well: what the find shows must be found in the target, and what the target showed must be found in
    the find rather than around it.

    Args:
        found: (M, V) what the templates of the finds hold, made with their masks; its last `memory` values
            are a memory of pixels, as `network.Network` has it.
        known: (M, V) the same of the targets.
    """
    pixels, kernels = _pixels(found, known, memory), _kernels(found, known, memory)
    answers = []
    for (target, sighting), alike, cosine in zip(finds, pixels, kernels, strict=True):
        coloured = _coloured_like(target, frame, sighting)
        answers.append(cosine * coloured if alike is None else (alike * coloured) ** OF_THREE)
    return answers


def _kernels(found: Kernels, known: Kernels, memory: int) -> list[float]:
    """Cosines of what is no memory."""
    values = found.shape[1] - memory
    flat = host_floats(joined([found[:, :values], known[:, :values]]))  # one copy from the device
    directions = flat / np.linalg.norm(flat, axis=1, keepdims=True).clip(min=SMALLEST_NORM)
    cosines: list[float] = (directions[: len(found)] * directions[len(found) :]).sum(axis=1).tolist()
    return cosines


def _pixels(found: Kernels, known: Kernels, memory: int) -> list[float | None]:
    """How like the memories are, of those that have an object in them."""
    if not memory:
        return [None] * len(found)
    rows = host_floats(joined([found[:, -memory:], known[:, -memory:]])).astype(np.float32)
    rows = rows.reshape(len(rows), -1, MEMORY_CELLS)
    return [_alike(*pair) for pair in zip(rows[: len(found)], rows[len(found) :], strict=True)]


def _alike(found: Floats, known: Floats) -> float | None:
    """In [0, 1]: the product of how like the find's cells are to the target's cells most like them, and of
    the share of the object in what the target's cells are told when they ask the find's memory.
    """
    seen, remembered = (rows[MEMORY_KEY] > OBJECT for rows in (found, known))
    keys, asking = found[:MEMORY_KEY], known[:MEMORY_KEY, remembered]
    if not seen.any() or not remembered.any():
        return None
    most = float((asking**2).sum(axis=0).max())
    alike = _product(asking.T, keys)  # (cells of the target, MEMORY_CELLS)
    match = alike[:, seen].max(axis=0).mean() / most
    object_, around = _product(np.exp(alike - most), found[MEMORY_KEY : MEMORY_KEY + 2].T).T
    share = (object_ / (object_ + around + MEMORY_FAINT)).mean()
    return float(max(match, 0.0) * share)


def _product(left: Floats, right: Floats) -> Floats:
    """The product, a few rows at a time. So small ones NumPy's BLAS makes in this thread; for larger
    ones it wakes threads of its own, which wait for more on the cores that the network's next steps need.
    """
    rows = max(SMALL_PRODUCT // right.size, 1)
    padded = np.zeros((-(-len(left) // rows) * rows, left.shape[1]), np.float32)
    padded[: len(left)] = left
    parts = np.matmul(padded.reshape(-1, rows, left.shape[1]), np.ascontiguousarray(right))
    return np.asarray(parts.reshape(len(padded), -1)[: len(left)], np.float32)


def _coloured_like(target: Target, frame: Frame, sighting: Sighting) -> float:
    """In [0, 1]: how much a find has the target's colours; 1 if the target has none, for want of a mask."""
    if target.colours is None:
        return 1.0
    seen = colours_of(frame, sighting.mask)
    return target.colours.likeness(seen) if seen else 0.0  # a sliver of anything is not the target
