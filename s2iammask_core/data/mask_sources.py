"""Where masks come from: label pictures, polygons and run lengths; each is read only when it is asked for."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s2iammask_core.errors import DatasetError

Mask = NDArray[np.bool_]  # (H, W)
Ring = NDArray[np.float32]  # (M, 2) x y, one closed outline

VOID = 255  # value of a label picture where nobody said what there is
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
        if self.label is None:
            return foreground(self.path)
        mask: Mask = read_labels(self.path) == self.label
        return mask

    def levels(self) -> Levels:
        if self.label is None:
            return of_mask(foreground(self.path))
        labels = read_labels(self.path)
        levels = of_mask(labels == self.label)
        levels[labels == VOID] = UNKNOWN
        return levels


def of_mask(mask: Mask) -> Levels:
    """The levels of a mask (H, W) in which everything is known."""
    return mask.astype(np.uint8) * np.uint8(KNOWN_OBJECT)


@dataclass(frozen=True, slots=True, eq=False)
class PolygonMask:
    """The union of outlines in frame pixels, continuous coordinates; a pixel counts if half of it is in."""

    rings: tuple[Ring, ...]
    height: int
    width: int

    def load(self) -> Mask:
        mask = np.zeros((self.height, self.width), np.bool_)
        rings = [ring for ring in self.rings if len(ring) > 2]
        if not rings:
            return mask
        points = np.concatenate(rings)
        x1, y1 = np.clip(np.floor(points.min(axis=0)).astype(int), 0, (self.width, self.height)).tolist()
        x2, y2 = np.clip(np.ceil(points.max(axis=0)).astype(int), 0, (self.width, self.height)).tolist()
        if x2 > x1 and y2 > y1:
            mask[y1:y2, x1:x2] = _filled([ring - (x1, y1) for ring in rings], y2 - y1, x2 - x1)
        return mask

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
        flat = np.repeat(np.arange(len(self.counts)) % 2 == 1, self.counts)
        return np.ascontiguousarray(flat.reshape(self.width, self.height).T)

    def levels(self) -> Levels:
        return of_mask(self.load())


def _filled(rings: Iterable[NDArray[np.floating[Any]]], height: int, width: int) -> Mask:
    """(height, width): pixels of which at least half lies in one of the rings (M, 2)."""
    fine = np.zeros((height * FINE, width * FINE), np.uint8)
    for ring in rings:  # one by one: together, cv2 would cut out where two overlap
        # Fine pixel i has its centre at i + 0.5, and cv2 calls that i; shift 4 keeps 1/16 of a fine pixel.
        points = np.rint((ring * FINE - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(fine, [points], FILL, shift=4)
    mask: Mask = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA) >= FILL // 2
    return mask


def decode_counts(text: str) -> list[int]:
    """COCO's compressed run lengths: 5 bits a character; from the fourth on, changes from two runs before."""
    counts: list[int] = []
    value = shift = 0
    for code in text.encode():
        bits = code - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    return counts


def read_labels(path: Path) -> NDArray[Any]:
    """The values (H, W) of a grey picture, or the indices of a palette picture, which cv2 does not give."""
    values = _read(path)
    if values.ndim != 2:
        raise DatasetError(f"{path} is a colour picture; its values must be object ids, grey or palette")
    return values


def foreground(path: Path) -> Mask:
    """(H, W): the pixels of a picture that are not black."""
    values = _read(path)
    mask: Mask = (values if values.ndim == 2 else values[..., :3].max(axis=-1)) != 0
    return mask


def _read(path: Path) -> NDArray[Any]:
    try:
        with Image.open(path) as picture:
            return np.asarray(picture)
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is missing") from error
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise DatasetError(f"{path} cannot be read as a picture: {error}") from error


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
