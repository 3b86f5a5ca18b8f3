"""What a clip is tracked from: boxes, and the objects of a label picture of its first frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.labels import VOID, Mask, check_size, read_labels, scheme_of
from s2iammask_core.geometry import HostFrame
from s2iammask_core.tracking.regions import NO_MASK, outline
from s2iammask_core.tracking.track import MaskRegion, Track, TrackState
from s2iammask_core.tracking.tracker import Tracker


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """Objects by id."""

    targets: dict[int, Box | Mask]
    picture: Path | None  # where the masks are from

    def start(self, tracker: Tracker, frame: HostFrame) -> list[Track]:
        """Starts on the frame; the answer for it is what was given."""
        size = (frame.shape[1], frame.shape[0])
        for target in self.targets.values():
            if self.picture is not None and not isinstance(target, Box):
                check_size(target, self.picture, size, 0)
        tracker.start(frame, list(self.targets.values()), list(self.targets))
        return [_given(id_, target) for id_, target in self.targets.items()]


def read_beginning(boxes: Sequence[Box], picture: Path | None) -> Beginning:
    """The objects of a label picture by their ids, and boxes by the ids that follow."""
    targets: dict[int, Box | Mask] = dict(_masks(picture)) if picture else {}
    first = max(targets, default=0) + 1
    targets |= dict(enumerate(boxes, start=first))
    return Beginning(targets, picture)


def _masks(picture: Path) -> dict[int, Mask]:
    labels = read_labels(picture, scheme_of(picture))
    ids = labels.objects
    if not ids:
        raise DatasetError(f"{picture} shows no object: all its pixels are 0 or void")
    if max(ids) >= VOID:
        raise DatasetError(f"{picture} has object {max(ids)}; ids are 1 to {VOID - 1}")
    return {id_: np.asarray(labels.ids == id_) for id_ in ids}


def _given(id_: int, target: Box | Mask) -> Track:
    if isinstance(target, Box):
        box, rotated, mask = target, RotatedBox.from_box(target), NO_MASK
    else:
        mask = _region(target)
        upright = Box.from_xywh(mask.x, mask.y, mask.pixels.shape[1], mask.pixels.shape[0])
        box, rotated = outline(mask, 0.0) or (upright, RotatedBox.from_box(upright))
    return Track(id_, TrackState.TRACKING, 1.0, 1.0, 1.0, box, rotated, mask)


def _region(mask: Mask) -> MaskRegion:
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    pixels = mask[y : y + height, x : x + width]
    return MaskRegion(x, y, pixels, pixels.astype(np.float32))
