"""What a tracker answers: one record for each target and frame."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box, RotatedBox

Mask = NDArray[np.bool_]


class TrackState(Enum):
    """How sure the tracker is of a target."""

    TRACKING = "tracking"
    UNCERTAIN = "uncertain"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class MaskRegion:
    """A mask cut out of the frame: pixels[r, c] is its pixel (y + r, x + c); the rest is background."""

    x: int
    y: int
    pixels: Mask  # (h, w), inside the frame
    probability: NDArray[np.float32]  # (h, w), share of the votes (or the sigmoid, for one mask), in [0, 1]

    @property
    def area(self) -> int:
        return int(self.pixels.sum())

    def full(self, height: int, width: int) -> Mask:
        """The mask of the whole frame, (height, width)."""
        mask = np.zeros((height, width), np.bool_)
        h, w = self.pixels.shape
        mask[self.y : self.y + h, self.x : self.x + w] = self.pixels
        return mask


@dataclass(frozen=True, slots=True)
class Track:
    """Where a target is in one frame, in frame pixels."""

    id: int
    state: TrackState
    confidence: float  # in [0, 1], made of score, agreement and fit
    score: float  # the network's score of the best proposal, in [0, 1]
    agreement: float  # how well the proposals' masks agree with the voted one, in [0, 1]; 1 without a vote
    box: Box  # upright box around the mask, or the box branch's where the mask is too small or does not fit
    rotated_box: RotatedBox  # smallest rectangle around the mask, or `box` as above
    mask: MaskRegion  # empty (0, 0) for variants without a mask
    fit: float = 1.0  # IoU of the mask's upright box with the best proposal, in [0, 1]; 1 without a mask
    hinted: bool = False  # whether it was lost and is found again now where a hint said
    similarity: float = -1.0  # to the target, where it was compared, in [-1, 1]; -1: it was not
