"""The frames of a sequence, read by index: picture files, or a video."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from s2iammask_core.errors import DatasetError, IncompleteError
from s2iammask_core.files.clips import open_file
from s2iammask_core.files.digests import Digest
from s2iammask_core.files.names import picture_files
from s2iammask_core.files.pictures import picture_size, read_picture
from s2iammask_core.files.reading import Numbered
from s2iammask_core.geometry import HostFrame


class Frames(Protocol):
    """Frames that can be read by index, cheapest in rising order. They can be sent to another process."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> HostFrame:
        """The frame (H, W, 3); DatasetError if it cannot be decoded."""
        ...

    def name(self, index: int) -> str:
        """What the frame's results are called after."""
        ...

    def size(self, index: int) -> tuple[int, int]:
        """Width and height of a frame."""
        ...

    def trace(self, digest: Digest) -> None:
        """Adds what tells these frames from others: names and sizes, and the content of the first."""
        ...


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """One picture file for each frame."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> HostFrame:
        return read_picture(self.paths[index])

    def name(self, index: int) -> str:
        return self.paths[index].stem

    def size(self, index: int) -> tuple[int, int]:
        return picture_size(self.paths[index])

    def trace(self, digest: Digest) -> None:
        for path in self.paths:
            digest.name_and_size(path)
        for path in self.paths[:1]:
            digest.content(path)


@dataclass(frozen=True, slots=True)
class ChosenFrames:
    """Some of the frames of a sequence, in an order of their own."""

    frames: Frames
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, index: int) -> HostFrame:
        return self.frames.read(self.indices[index])

    def name(self, index: int) -> str:
        return self.frames.name(self.indices[index])

    def size(self, index: int) -> tuple[int, int]:
        return self.frames.size(self.indices[index])

    def trace(self, digest: Digest) -> None:
        digest.add(*self.indices)
        self.frames.trace(digest)


def every_nth(frames: Frames, step: int) -> ChosenFrames:
    """The first frame, and each that is so many frames after the one before."""
    return ChosenFrames(frames, tuple(range(0, len(frames), step)))


class VideoFile:
    """The frames of a video file; one that does not say how many it has is decoded once to count them."""

    def __init__(self, path: Path, count: int | None = None) -> None:
        self._path, self._clip = path, open_file(path)
        counted = count or self._clip.count
        self._count = sum(1 for _ in self._clip) if counted is None else counted
        self._coming: Iterator[Numbered] = iter(())
        self._last: Numbered | None = None

    def __reduce__(self) -> tuple[type["VideoFile"], tuple[Path, int]]:
        return VideoFile, (self._path, self._count)

    def __len__(self) -> int:
        return self._count

    def read(self, index: int) -> HostFrame:
        last = self._last
        if last is None or index < last.number:
            self._coming = self._clip.read()  # seeking is inexact in many formats
            last = next(self._coming)
        try:
            while last.number < index:
                last = next(self._coming)
        except (StopIteration, IncompleteError) as error:
            raise DatasetError(f"{self._path}: frame {index} of {self._count} cannot be decoded") from error
        finally:
            self._last = last
        if last.number != index:
            raise DatasetError(f"{self._path}: frame {index} of {self._count} cannot be decoded")
        return last.frame

    def name(self, index: int) -> str:
        return f"{index:05d}"

    def size(self, index: int) -> tuple[int, int]:
        frame = self.read(index)
        return frame.shape[1], frame.shape[0]

    def trace(self, digest: Digest) -> None:
        digest.content(self._path)


def images_in(folder: Path) -> ImageFiles:
    """The pictures of a folder in natural order; DatasetError if there are none."""
    files = picture_files(folder)
    if not files:
        raise DatasetError(f"there are no pictures in {folder}")
    return ImageFiles(files)
