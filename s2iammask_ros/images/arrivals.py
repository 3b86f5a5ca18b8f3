"""Images on their way from the subscription to the tracker."""

from dataclasses import dataclass
from typing import TypeAlias

from sensor_msgs.msg import CompressedImage, Image

from s2iammask_core.geometry import HostFrame
from s2iammask_ros.images.history import Stamped

ImageMessage: TypeAlias = Image | CompressedImage


@dataclass(frozen=True, slots=True)
class Arrival:
    """An image on its way, and when it came, seconds on a monotonic clock."""

    image: Stamped[ImageMessage]
    came: float


@dataclass(frozen=True, slots=True)
class Turn:
    """An image whose turn it is, read. Times are seconds on the clock of its arrival."""

    arrival: Arrival
    frame: HostFrame
    begin: float  # of its turn
    read: float  # when it was

    @property
    def stamp(self) -> int:
        return self.arrival.image.stamp

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.frame.shape[0], self.frame.shape[1]
