"""The frames of a sequence: image files or a video, decoded one at a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from s2iammask_core.errors import DatasetError

Frame = NDArray[np.uint8]  # (H, W, 3) RGB

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


class Frames(Protocol):
    """Frames that can be read by index, cheapest in rising order. They can be sent to another process."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> Frame:
        """The frame (H, W, 3); DatasetError if it cannot be decoded."""
        ...

    def name(self, index: int) -> str:
        """What the frame's results are called after."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first frame."""
        ...


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """One image file for each frame."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> Frame:
        return read_image(self.paths[index])

    def name(self, index: int) -> str:
        return self.paths[index].stem

    @property
    def size(self) -> tuple[int, int]:
        try:
            with Image.open(self.paths[0]) as image:  # reads the header alone
                return image.size
        except (OSError, UnidentifiedImageError) as error:
            raise DatasetError(f"cannot read the image {self.paths[0]}: {error}") from error


@dataclass(frozen=True, slots=True)
class ChosenFrames:
    """Some of the frames of a sequence, in an order of their own."""

    frames: Frames
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, index: int) -> Frame:
        return self.frames.read(self.indices[index])

    def name(self, index: int) -> str:
        return self.frames.name(self.indices[index])

    @property
    def size(self) -> tuple[int, int]:
        return self.frames.size


def every_nth(frames: Frames, step: int) -> ChosenFrames:
    """The first frame, and each that is so many frames after the one before."""
    return ChosenFrames(frames, tuple(range(0, len(frames), step)))


class VideoFile:
    """The frames of a video file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise DatasetError(f"cannot open the video {path}")
        self._next = 0
        self._count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))

    def __reduce__(self) -> tuple[type["VideoFile"], tuple[Path]]:
        return VideoFile, (self._path,)

    def __len__(self) -> int:
        return self._count

    def read(self, index: int) -> Frame:
        if index < self._next:
            self._capture = cv2.VideoCapture(str(self._path))
            self._next = 0
        for _ in range(self._next, index):  # seeking is inexact in many formats
            self._capture.grab()
        read, image = self._capture.read()
        self._next = index + 1
        if not read:
            raise DatasetError(f"{self._path}: frame {index} cannot be decoded; the file may be truncated")
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)

    def name(self, index: int) -> str:
        return f"{index:05d}"

    @property
    def size(self) -> tuple[int, int]:
        return (
            int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )


def read_image(path: Path) -> Frame:
    """The image (H, W, 3) RGB; DatasetError if there is none."""
    if not path.is_file():
        raise DatasetError(f"there is no image {path}")
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DatasetError(f"cannot decode the image {path}; is it truncated?")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def images_in(folder: Path) -> ImageFiles:
    """The images of a folder in the order of their names; DatasetError if there are none."""
    if not folder.is_dir():
        raise DatasetError(f"there is no folder {folder}")
    files = image_files(folder.iterdir())
    if not files:
        raise DatasetError(f"there are no images in {folder}")
    return ImageFiles(files)


def image_files(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those of the paths that are images, in the order of their names."""
    return tuple(sorted(path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES))
