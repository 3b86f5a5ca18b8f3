"""Frames from a video file, a folder of pictures or a camera, and videos written from frames. All RGB."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from s2iammask_core.errors import VideoError
from s2iammask_core.geometry import HostFrame

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm"})
USUAL_RATE = 25.0  # frames per second, where a source does not know its own


@dataclass(frozen=True, slots=True)
class Clip:
    """A source of frames, opened when it is iterated over."""

    name: str
    rate: float  # frames per second
    count: int | None  # None for a camera, which never ends by itself
    read: Callable[[], Iterator[HostFrame]]

    def __iter__(self) -> Iterator[HostFrame]:
        return self.read()


def open_clip(source: str) -> Clip:
    """The clip behind a path of a video file or of a folder of pictures, or behind a camera's number."""
    path = Path(source)
    if path.is_dir():
        return _folder(path)
    if path.is_file() or not source.isdigit():
        return _captured(source, str(path))
    return _captured(f"camera {source}", int(source))


def _folder(folder: Path) -> Clip:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not files:
        raise VideoError(f"the folder {folder} holds no pictures ({', '.join(sorted(PICTURES))})")
    return Clip(str(folder), USUAL_RATE, len(files), lambda: map(read_picture, files))


def read_picture(path: Path) -> HostFrame:
    """A picture file as a frame (H, W, 3) RGB."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise VideoError(f"cannot read the picture {path}")
    return _rgb(picture)


def write_picture(path: Path, picture: HostFrame) -> None:
    """Writes a frame (H, W, 3) RGB or a label image (H, W) to a picture file."""
    flipped = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    if not cv2.imwrite(str(path), flipped):
        raise VideoError(f"cannot write the picture {path}; is the folder there and writable?")


def _captured(name: str, source: str | int) -> Clip:
    if isinstance(source, str) and not Path(source).is_file():
        raise VideoError(f"there is no video, folder or camera {source!r}")
    capture = _opened(name, source)
    rate, count = capture.get(cv2.CAP_PROP_FPS), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    usable = rate if np.isfinite(rate) and 0 < rate <= 1000 else USUAL_RATE
    return Clip(name, usable, count if count > 0 else None, lambda: _frames(name, source))


def _opened(name: str, source: str | int) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(source)
    if not capture.isOpened():
        raise VideoError(
            f"cannot open {name}; is it a video that OpenCV reads, or a camera that is plugged in?"
        )
    return capture


def _frames(name: str, source: str | int) -> Iterator[HostFrame]:
    capture = _opened(name, source)
    try:
        good, frame = capture.read()
        if not good:
            raise VideoError(f"{name} has no frames that can be decoded")
        while good:
            yield _rgb(frame)
            good, frame = capture.read()
    finally:
        capture.release()


def _rgb(picture: cv2.typing.MatLike) -> HostFrame:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


class VideoWriter:
    """Writes frames of one size to an .mp4 or .avi file; a context manager that closes it."""

    def __init__(self, path: Path | str, rate: float) -> None:
        self._path, self._rate = Path(path), rate
        self._writer: cv2.VideoWriter | None = None

    def write(self, frame: HostFrame) -> None:
        """Appends a frame (H, W, 3) RGB; the first one decides the size."""
        if self._writer is None:
            self._writer = self._open(frame.shape[1], frame.shape[0])
        self._writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))

    def _open(self, width: int, height: int) -> cv2.VideoWriter:
        codec = "MJPG" if self._path.suffix.lower() == ".avi" else "mp4v"
        with suppress(OSError):  # without a folder it cannot be opened either
            self._path.parent.mkdir(parents=True, exist_ok=True)
        fourcc = cv2.VideoWriter.fourcc(*codec)
        writer = cv2.VideoWriter(str(self._path), fourcc, self._rate, (width, height))
        if not writer.isOpened():
            raise VideoError(f"cannot write a video to {self._path}; use a writable .mp4 or .avi")
        return writer

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.release()
