"""Boxes of a detector: places to look at for lost targets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock

from vision_msgs.msg import Detection2DArray

from s2iammask_core import Box
from s2iammask_core.tracking.redetection import MOST_HINTS, usable_hints
from s2iammask_ros.messages.boxes import rotated_from_message
from s2iammask_ros.messages.stamps import SECOND, nanoseconds


@dataclass(frozen=True, slots=True)
class HintCounts:
    """Numbers since activation."""

    hints: int = 0  # boxes in messages that came in time
    hints_refused: int = 0  # of them: not finite, empty, outside the image, or too many in one message
    hints_stale: int = 0  # messages whose stamp was too far from the image's


class HintStream:
    """Keeps the newest message; filled on one thread, asked on another."""

    def __init__(self) -> None:
        self.counts = HintCounts()
        self._newest: Detection2DArray | None = None
        self._stale: Detection2DArray | None = None  # the last one that was counted so
        self._read: Detection2DArray | None = None
        self._size = (0, 0)  # of the image that it was read for
        self._boxes: list[Box] = []  # what it says
        self._lock = Lock()

    def add(self, message: Detection2DArray) -> None:
        with self._lock:
            self._newest = message

    def boxes(self, stamp: int, size: tuple[int, int], max_age: float) -> Sequence[Box]:
        """Where to look in an image of that size (H, W), by a message at most max_age seconds away from it.

        A detector is slower than a camera, so one message serves the images until the next one.
        """
        with self._lock:
            message = self._newest
        if message is None:
            return ()
        if abs(stamp - nanoseconds(message.header.stamp)) > max_age * SECOND:
            self._set_aside(message)
            return ()
        if message is not self._read or size != self._size:
            self._take(message, size)
        return self._boxes

    def _set_aside(self, message: Detection2DArray) -> None:
        if message is not self._stale:
            self.counts = replace(self.counts, hints_stale=self.counts.hints_stale + 1)
        self._stale = message

    def _take(self, message: Detection2DArray, size: tuple[int, int]) -> None:
        self._read, self._size, self._boxes = message, size, usable_hints(boxes_of(message), size)
        count = len(message.detections)
        refused = self.counts.hints_refused + count - len(self._boxes)
        self.counts = replace(self.counts, hints=self.counts.hints + count, hints_refused=refused)


def boxes_of(message: Detection2DArray) -> list[Box]:
    """The upright boxes of the first detections; those without a size are left out."""
    found = [detection.bbox for detection in message.detections[:MOST_HINTS]]
    return [rotated_from_message(each).box for each in found if each.size_x > 0 and each.size_y > 0]
