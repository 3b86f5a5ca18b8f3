"""What colours an object shows: they tell it from others of its kind, which the network's features do not."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.geometry import Frame
from s2iammask_core.tracking.frames import on_host
from s2iammask_core.tracking.track import Mask, MaskRegion

LONGEST_SIDE = 64  # samples; more of them change nothing
FEWEST = 48  # samples that say something
CHROMA_BINS, LIGHTNESS_BINS = 16, 8
CHROMA_RANGE = (64, 192)  # of a and b as OpenCV has them, 0..255; the rare stronger colours count as its ends


@dataclass(frozen=True, slots=True, eq=False)
class Colours:
    """Shares of an object's pixels in bins of CIELAB."""

    chroma: NDArray[np.float32]  # (256,), sums to 1
    lightness: NDArray[np.float32]  # (8,), sums to 1

    def likeness(self, other: "Colours") -> float:
        """In [0, 1], 1 for equal ones: what is left of 1 by the Hellinger distances of both histograms."""
        return _close(self.chroma, other.chroma) * _close(self.lightness, other.lightness)

    def blended(self, newer: "Colours", share: float) -> "Colours":
        """These with a share in [0, 1] of newer ones."""
        return Colours(
            (1 - share) * self.chroma + share * newer.chroma,
            (1 - share) * self.lightness + share * newer.lightness,
        )


def colours_of(frame: Frame, mask: MaskRegion) -> Colours | None:
    """The colours under a mask, without its rim, which shows the background; None if too little is left."""
    height, width = mask.pixels.shape
    every = max(1, math.ceil(max(height, width) / LONGEST_SIDE))
    part = frame[mask.y : mask.y + height : every, mask.x : mask.x + width : every]
    inner = _without_rim(mask.pixels[::every, ::every])
    if np.count_nonzero(inner) < FEWEST:
        return None
    lightness, *chroma = cv2.split(cv2.cvtColor(on_host(part), cv2.COLOR_RGB2LAB))
    chroma = [plane.clip(CHROMA_RANGE[0], CHROMA_RANGE[1] - 1) for plane in chroma]
    bins, ranges = [CHROMA_BINS] * 2, [*CHROMA_RANGE] * 2
    shades = cv2.calcHist(chroma, [0, 1], inner, bins, ranges)
    shades = cv2.GaussianBlur(shades, (3, 3), 0)  # a shade may fall on either side of a bin's edge
    return Colours(
        _shares(shades), _shares(cv2.calcHist([lightness], [0], inner, [LIGHTNESS_BINS], [0, 256]))
    )


def _without_rim(mask: Mask) -> NDArray[np.uint8]:
    """(h, w) 0 or 1; the region's own edge is a rim too."""
    padded = np.pad(mask, 1).astype(np.uint8)
    eroded = cv2.erode(padded, np.ones((3, 3), np.uint8))[1:-1, 1:-1]
    return np.ascontiguousarray(eroded, np.uint8)


def _shares(counts: cv2.typing.MatLike) -> NDArray[np.float32]:
    return np.asarray(counts / counts.sum(), np.float32).ravel()


def _close(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    overlap = float(np.sqrt(one * other).sum())
    return 1 - math.sqrt(max(1 - overlap, 0.0))
