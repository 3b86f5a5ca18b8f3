"""Scenes in which nothing moves: a picture seen by a camera that trembles by less than a pixel."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.sequences.frames import Frames
from s2iammask_core.evaluation.sequences.lists import chosen
from s2iammask_core.evaluation.sequences.masks import Labels
from s2iammask_core.files.digests import Digest
from s2iammask_core.files.labels import check_size, read_labels
from s2iammask_core.files.pictures import picture_size, read_picture
from s2iammask_core.files.stills import Still, listed_stills
from s2iammask_core.geometry import HostFrame

COUNT = 60  # frames of a scene
LONGEST = 640  # pixels of the longer side, whatever the picture has
SHAKE = 0.5  # the largest shift, in pixels
NOISE = 1.0  # standard deviation, in grey levels


@dataclass(frozen=True, slots=True)
class ShakenPicture:
    """The frames of a scene: the same ones for the same seed, the first of them not shifted."""

    picture: Path
    seed: int
    count: int = COUNT

    def __len__(self) -> int:
        return self.count

    def read(self, index: int) -> HostFrame:
        generator = np.random.default_rng((self.seed, index))
        shift = generator.uniform(-SHAKE, SHAKE, 2) if index else np.zeros(2)
        return _shaken(_enlarged(self.picture), shift, generator)

    def name(self, index: int) -> str:
        return f"{index:05d}"

    def size(self, index: int) -> tuple[int, int]:
        return _size(picture_size(self.picture))

    def trace(self, digest: Digest) -> None:
        digest.add(self.seed, self.count)
        digest.content(self.picture)


@dataclass(frozen=True, slots=True)
class StillScene:
    """One object of a picture."""

    name: str
    picture: Path
    frames: Frames
    mask: Path
    object_id: int

    @property
    def digest(self) -> str:
        """Changes with the frames, the mask and the object."""
        digest = Digest()
        self.frames.trace(digest)
        digest.add(self.object_id)
        digest.content(self.mask)
        return digest.text

    def labels(self) -> Labels:
        """What is in the frames (H, W), to the pixel in the first; DatasetError if the object is not."""
        marked = read_labels(self.mask).marked
        check_size(marked, self.mask, picture_size(self.picture), self.picture.name)
        if not (marked == self.object_id).any():
            raise DatasetError(f"{self.mask} has no pixel of object {self.object_id}, which index.json names")
        size = self.frames.size(0)
        return np.asarray(cv2.resize(marked, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def read_scenes(root: Path, names: Sequence[str] | None = None) -> tuple[StillScene, ...]:
    """A scene for each object of the named pictures, or of all; no picture is decoded."""
    stills = listed_stills(root)
    picked = stills if names is None else chosen(stills, names)
    scenes = tuple(_scene(still, value) for still in picked for value in still.objects)
    if not scenes:
        raise DatasetError(f"{root / 'index.json'} names no object of these pictures")
    return scenes


def _scene(still: Still, value: int) -> StillScene:
    name = f"{still.name}.{value}"
    frames = ShakenPicture(still.picture, zlib.crc32(name.encode()))
    return StillScene(name, still.picture, frames, still.mask, value)


@lru_cache(maxsize=1)
def _enlarged(path: Path) -> HostFrame:
    picture = read_picture(path)
    size = _size((picture.shape[1], picture.shape[0]))
    way = cv2.INTER_CUBIC if max(size) >= max(picture.shape) else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def _size(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the frames of a picture's scene."""
    scale = LONGEST / max(size)
    return round(size[0] * scale), round(size[1] * scale)


def _shaken(picture: HostFrame, shift: NDArray[np.float64], generator: np.random.Generator) -> HostFrame:
    """The picture (H, W, 3) moved by x and y, with new noise."""
    move = np.column_stack([np.eye(2), shift])
    size = picture.shape[1], picture.shape[0]
    moved = cv2.warpAffine(picture, move, size, borderMode=cv2.BORDER_REFLECT)
    noise = generator.standard_normal(moved.shape, np.float32) * np.float32(NOISE)
    return np.asarray(np.rint(moved + noise).clip(0, 255), np.uint8)
