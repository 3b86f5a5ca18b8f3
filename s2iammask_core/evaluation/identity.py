"""A tracker that never moves and answers with what it was started with: what a tracker must beat."""

from collections.abc import Sequence

import numpy as np

from s2iammask_core.boxes import Box, Points, RotatedBox
from s2iammask_core.errors import FrameError
from s2iammask_core.geometry import HostFrame
from s2iammask_core.tracking.track import Mask, MaskRegion, Track, TrackState


class IdentityTracker:
    """Has the verbs of the tracker, and no network."""

    def __init__(self) -> None:
        self._tracks: dict[int, Track] = {}
        self._size: tuple[int, ...] = ()  # (H, W, 3) of the frames

    def start(
        self, frame: HostFrame, targets: Sequence[Box | Points | Mask], ids: Sequence[int] | None = None
    ) -> list[int]:
        self._check(frame)
        self._size = frame.shape
        first = max(self._tracks, default=0) + 1
        names = list(range(first, first + len(targets))) if ids is None else list(ids)
        for name, target in zip(names, targets, strict=True):
            self._tracks[name] = _still(name, target)
        return names

    def track(self, frame: HostFrame) -> list[Track]:
        self._check(frame)
        return list(self._tracks.values())

    def stop(self, ids: Sequence[int] | None = None) -> None:
        for name in list(self._tracks) if ids is None else ids:
            del self._tracks[name]

    def _check(self, frame: HostFrame) -> None:
        if self._tracks and frame.shape != self._size:
            raise FrameError(f"the frame is {frame.shape}, but tracking began with {self._size}")


def _still(name: int, target: Box | Points | Mask) -> Track:
    box, rotated, mask = _shape(target)
    probability = np.ones(mask.shape, np.float32)
    region = MaskRegion(round(box.x1), round(box.y1), mask, probability)
    return Track(name, TrackState.TRACKING, 1.0, 1.0, 1.0, box, rotated, region)


def _shape(target: Box | Points | Mask) -> tuple[Box, RotatedBox, Mask]:
    """The upright box, the rotated box and the mask (h, w) inside the upright box."""
    if isinstance(target, Box):
        return target, RotatedBox.from_box(target), np.ones((round(target.height), round(target.width)), bool)
    if target.dtype != np.bool_:
        points = target.astype(np.float32)
        return Box.around(points), _turned(points), np.ones((0, 0), np.bool_)
    rows, columns = np.flatnonzero(target.any(axis=1)), np.flatnonzero(target.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    mask = target[top : rows[-1] + 1, left : columns[-1] + 1].astype(np.bool_)
    box = Box.from_xywh(left, top, mask.shape[1], mask.shape[0])
    return box, RotatedBox.from_box(box), mask


def _turned(polygon: Points) -> RotatedBox:
    """A pixel larger than the polygon, whose corners are centres of pixels."""
    square = RotatedBox.from_box(Box.around(polygon))
    turned = RotatedBox.from_corners(polygon) if len(polygon) == 4 else square
    return RotatedBox(turned.cx, turned.cy, turned.width + 1, turned.height + 1, turned.theta)
