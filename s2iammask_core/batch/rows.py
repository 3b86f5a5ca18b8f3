"""One object in one frame, as it is kept: numbers that come back exactly, and the mask as run lengths."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.runs import frame_runs
from s2iammask_core.tracking.regions import NO_MASK
from s2iammask_core.tracking.track import Mask, MaskRegion, Track, TrackState

ENCODER = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class TrackRow:
    """A track in a frame of a recording."""

    frame: int  # number, from 0
    stamp: int | None  # nanoseconds, of a bag's image
    file: str  # name of the picture, of a folder of frames
    size: tuple[int, int]  # (H, W) of the frame
    track: Track  # its mask is empty: it is in counts
    counts: str  # COCO's compressed run lengths of the mask in the frame; empty without one

    def at(self, stamped: bool) -> int:
        """Where it is, as starts say it."""
        return self.stamp if stamped and self.stamp is not None else self.frame

    @property
    def name(self) -> str:
        """What the outputs of the frame are called after."""
        return PurePath(self.file).stem or f"{self.frame:05d}"

    @property
    def rle(self) -> dict[str, Any]:
        """The mask as COCO has it; of no pixels where the track has none."""
        counts = self.counts or packed(np.zeros(self.size, np.bool_))
        return {"size": list(self.size), "counts": counts}

    @property
    def mask(self) -> Mask:
        """The mask (H, W)."""
        if not self.counts:
            return np.zeros(self.size, np.bool_)
        return np.asarray(coco_mask.decode(self.rle), np.bool_)

    @property
    def area(self) -> int:
        """The pixels of the mask."""
        return int(coco_mask.area(self.rle)) if self.counts else 0

    @property
    def whole(self) -> Track:
        """The track with its mask; its probability is 1 where the mask is."""
        if not self.counts:
            return self.track
        x, y, width, height = (int(value) for value in coco_mask.toBbox(self.rle))
        pixels = self.mask[y : y + height, x : x + width]
        return replace(self.track, mask=MaskRegion(x, y, pixels, pixels.astype(np.float32)))

    @property
    def is_lost(self) -> bool:
        return self.track.state is TrackState.LOST

    def text(self) -> str:
        """One line of json."""
        track, rotated = self.track, self.track.rotated_box
        values = {
            "frame": self.frame,
            "stamp": self.stamp,
            "file": self.file,
            "size": self.size,
            "id": track.id,
            "state": track.state.value,
            "figures": numbers(track.confidence, track.score, track.agreement, track.fit),
            "hinted": track.hinted,
            "similarity": None if math.isnan(track.similarity) else float(track.similarity),
            "box": numbers(track.box.x1, track.box.y1, track.box.x2, track.box.y2),
            "rotated": numbers(rotated.cx, rotated.cy, rotated.width, rotated.height, rotated.theta),
            "counts": self.counts,
        }
        return ENCODER.encode(values) + "\n"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "TrackRow":
        confidence, score, agreement, fit = values["figures"]
        track = Track(
            values["id"],
            TrackState(values["state"]),
            *(confidence, score, agreement),
            Box(*values["box"]),
            RotatedBox(*values["rotated"]),
            NO_MASK,
            fit,
            values["hinted"],
            math.nan if values["similarity"] is None else values["similarity"],
        )
        height, width = values["size"]
        return cls(values["frame"], values["stamp"], values["file"], (height, width), track, values["counts"])


def numbers(*values: float) -> list[float]:
    """Also NumPy's, as Python's own, which json writes so that they come back the same."""
    return [float(value) for value in values]


def packed(mask: Mask) -> str:
    """COCO's compressed run lengths of a mask (H, W)."""
    counts: bytes = coco_mask.encode(np.asfortranarray(mask).view(np.uint8))["counts"]
    return counts.decode()


def packed_region(region: MaskRegion, size: tuple[int, int]) -> str:
    """The same of a region in a frame of that size (H, W); empty if it has no pixel."""
    if not region.pixels.any():
        return ""
    runs = frame_runs(region.pixels, region.x, region.y, size)
    counts: bytes = coco_mask.frPyObjects({"size": size, "counts": runs}, *size)["counts"]
    return counts.decode()
