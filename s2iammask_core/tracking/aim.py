"""Where to look, and what is expected there."""

from dataclasses import dataclass

import torch
from torch import Tensor

from s2iammask_core.geometry import Crop

COLUMNS = 14  # of a packed aim: centre, side, size, previous box, border, weights of window and previous box


@dataclass(frozen=True, slots=True)
class Aim:
    """The search windows of N patches; small enough to travel to the device with every frame."""

    crop: Crop
    sizes: Tensor  # (N, 2) width and height of the object, frame pixels
    previous: Tensor  # (N, 4) the upright box of the last answer that was believed, frame pixels
    border: Tensor  # (N, 3) colour outside the frame, [0, 255]
    window: Tensor  # (N,) weight of the cosine window, [0, 1]
    temporal: Tensor  # (N,) weight of the overlap with the previous box, [0, 1]

    def packed(self) -> Tensor:
        """(N, COLUMNS) float32."""
        parts = [self.crop.centers, self.crop.sides[:, None], self.sizes, self.previous, self.border]
        return torch.cat([*parts, self.window[:, None], self.temporal[:, None]], dim=1).float()

    @classmethod
    def unpacked(cls, values: Tensor, pixels: int) -> "Aim":
        """The inverse of packed, for patches of the given side; views, no copies."""
        crop = Crop(values[:, 0:2], values[:, 2], pixels)
        return cls(crop, values[:, 3:5], values[:, 5:9], values[:, 9:12], values[:, 12], values[:, 13])
