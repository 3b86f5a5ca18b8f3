"""Where to look, and what is expected there."""

from dataclasses import dataclass
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.geometry import PRIOR_CELLS, Array, Crop, HostArray

NUMBERS = 14  # of a packed aim: centre, side, size, previous box, border, weights of window and previous box
COLUMNS = NUMBERS + PRIOR_CELLS**2


@dataclass(frozen=True, slots=True)
class Aim(Generic[Array]):
    """The search windows of N patches; small enough to travel to the device with every frame."""

    crop: Crop[Array]
    sizes: Array  # (N, 2) width and height of the object, frame pixels
    previous: Array  # (N, 4) the upright box of the last answer that was believed, frame pixels
    border: Array  # (N, 3) colour outside the frame, [0, 255]
    window: Array  # (N,) weight of the cosine window, [0, 1]
    temporal: Array  # (N,) weight of the overlap with the previous box, [0, 1]
    prior: Array  # (N, PRIOR_CELLS, PRIOR_CELLS) how far the object was in each part of the window, [0, 1]

    def packed(self: "Aim[HostArray]") -> NDArray[np.float32]:
        """(N, COLUMNS)"""
        return np.concatenate(
            [
                *(self.crop.centers, self.crop.sides[:, None], self.sizes, self.previous, self.border),
                *(self.window[:, None], self.temporal[:, None]),
                self.prior.reshape(len(self.prior), -1),
            ],
            axis=1,
            dtype=np.float32,
        )

    @classmethod
    def unpacked(cls, values: Array, pixels: int) -> "Aim[Array]":
        """The inverse of packed, for patches of the given side; views, no copies."""
        crop = Crop(values[:, 0:2], values[:, 2], pixels)
        prior = values[:, NUMBERS:].reshape(-1, PRIOR_CELLS, PRIOR_CELLS)
        return cls(crop, values[:, 3:5], values[:, 5:9], values[:, 9:12], values[:, 12], values[:, 13], prior)
