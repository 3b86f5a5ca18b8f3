"""Where masks come from: label pictures, polygons and run lengths; each is read only when it is asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.errors import DatasetError
from s2iammask_core.files.digests import Digest
from s2iammask_core.files.labels import Labels, Mask, Scheme, read_labels
from s2iammask_core.files.segmentations import mask_of_runs

Ring = NDArray[np.float32]  # (M, 2) x y, one closed outline

KNOWN_OBJECT, UNKNOWN = 255, 128  # levels of an object's mask; 0 is known not to be the object
Levels = NDArray[np.uint8]  # (H, W)

FINE = 4  # subdivisions of a pixel when a polygon is drawn: cv2.fillPoly thickens by half a pixel of its grid
FILL = 240  # a multiple of FINE * FINE, so that means over a pixel are exact


@dataclass(frozen=True, slots=True)
class LabelMask:
    """The pixels of a label picture that hold one value; with label None, all that are not 0."""

    path: Path
    label: int | None

    def load(self) -> Mask:
        return self._seen(self._labels())

    def levels(self) -> Levels:
        labels = self._labels()
        levels = of_mask(self._seen(labels))
        levels[labels.void] = UNKNOWN
        return levels

    def trace(self, digest: Digest) -> None:
        digest.name_and_size(self.path)

    def _labels(self) -> Labels:
        return read_labels(self.path, Scheme.ONE if self.label is None else Scheme.IDS)

    def _seen(self, labels: Labels) -> Mask:
        """The object's pixels (H, W), of which there must be some."""
        mask = np.asarray(labels.ids == (self.label or 1))
        if not mask.any():
            named = f"object {self.label}, which the annotations name" if self.label else "its object"
            white = labels.void.any() and not labels.objects
            hint = "; it holds only 0 and 255: save the object's id as its value" if white else ""
            raise DatasetError(f"{self.path} has no pixel of {named}{hint}")
        return mask


def of_mask(mask: Mask) -> Levels:
    """The levels of a mask (H, W) in which everything is known."""
    return mask.astype(np.uint8) * np.uint8(KNOWN_OBJECT)


@dataclass(frozen=True, slots=True, eq=False)
class PolygonMask:
    """The union of outlines in frame pixels, continuous coordinates; a pixel counts if half of it is in.

    An object without such a pixel has those that are most in.
    """

    rings: tuple[Ring, ...]
    height: int
    width: int

    def load(self) -> Mask:
        mask = np.zeros((self.height, self.width), np.bool_)
        points = np.concatenate(self.rings)
        x1, y1 = np.clip(np.floor(points.min(axis=0)).astype(int), 0, (self.width, self.height)).tolist()
        x2, y2 = np.clip(np.ceil(points.max(axis=0)).astype(int), 0, (self.width, self.height)).tolist()
        if x2 > x1 and y2 > y1:
            mask[y1:y2, x1:x2] = _filled([ring - (x1, y1) for ring in self.rings], y2 - y1, x2 - x1)
        if not mask.any():
            raise DatasetError("the outline has no pixel of the picture in it")
        return mask

    def trace(self, digest: Digest) -> None:
        digest.add(self.height, self.width, *(ring.tobytes() for ring in self.rings))

    def levels(self) -> Levels:
        return of_mask(self.load())


@dataclass(frozen=True, slots=True, eq=False)
class RleMask:
    """Run lengths down the columns, alternately background and object, beginning with background."""

    counts: NDArray[np.uint32]  # (R,), their sum is height * width
    height: int
    width: int

    def load(self) -> Mask:
        if int(self.counts.sum()) != self.height * self.width:
            raise DatasetError(f"run lengths sum to {self.counts.sum()}, not to {self.height} x {self.width}")
        return mask_of_runs(self.counts, self.height, self.width)

    def trace(self, digest: Digest) -> None:
        digest.add(self.height, self.width, self.counts.tobytes())

    def levels(self) -> Levels:
        return of_mask(self.load())


def _filled(rings: Iterable[NDArray[np.floating[Any]]], height: int, width: int) -> Mask:
    """(height, width): pixels of which at least half lies in one of the rings (M, 2), or the most of all."""
    fine = np.zeros((height * FINE, width * FINE), np.uint8)
    for ring in rings:  # one by one: together, cv2 would cut out where two overlap
        # Fine pixel i has its centre at i + 0.5, and cv2 calls that i; shift 4 keeps 1/16 of a fine pixel.
        points = np.rint((ring * FINE - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(fine, [points], FILL, shift=4)
    share = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(share >= max(min(FILL // 2, int(share.max())), 1))


def outline_box(mask: Mask) -> tuple[int, int, int, int] | None:
    """x1 y1 x2 y2 around a mask (H, W) without its specks of one or two pixels; None if nothing stays."""
    # cv2 3 answers with three values, 4 and 5 with two.
    found: Sequence[Any] = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[-2]
    outlines = [outline.reshape(-1, 2) for outline in found if len(outline) > 2]
    if not outlines:
        return None
    points = np.concatenate(outlines)
    (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return x1, y1, x2 + 1, y2 + 1
