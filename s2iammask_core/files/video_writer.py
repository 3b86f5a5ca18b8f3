"""Videos from frames: H.264 in .mp4, .mov and .mkv, motion JPEG in .avi."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from s2iammask_core.errors import OutputError
from s2iammask_core.files.outputs import growing_bytes
from s2iammask_core.geometry import HostFrame

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".avi": "avi"}
FINEST = 10_000  # greatest denominator of a frame rate, or of seconds a frame where it is slow
H264 = {"crf": "18", "preset": "veryfast"}
JPEG = {"qmin": "2", "qmax": "3"}


@contextmanager
def video_writer(path: Path, rate: float) -> Iterator[VideoWriter]:
    """A video at any rate, frames per second, that takes its name at the end, unless an error ends the block.

    OutputError if it cannot be written, or did not reach the disk as a whole.
    """
    if path.suffix.lower() not in CONTAINERS:
        raise OutputError(f"cannot write a video to {path}; its name ends in {', '.join(CONTAINERS)}")
    with growing_bytes(path) as file:
        writer = VideoWriter(path, file, _fraction(rate))
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()


class VideoWriter:
    """Takes frames of one size."""

    def __init__(self, path: Path, file: BinaryIO, rate: Fraction) -> None:
        self._path, self._file, self._rate = path, file, rate
        self.count = 0  # frames that were written
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None

    def write(self, frame: HostFrame) -> None:
        """Appends a frame (H, W, 3) RGB; the first one decides the size."""
        stream = self._stream or self._opened(frame.shape[1], frame.shape[0])
        if frame.shape[:2] != (stream.height, stream.width):
            size, first = f"{frame.shape[1]}x{frame.shape[0]}", f"{stream.width}x{stream.height}"
            raise OutputError(f"{self._path}: frame {self.count} is {size}, but the first one is {first}")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture.pts, picture.time_base = self.count, 1 / self._rate
        self.count += 1
        self._encode(picture)

    def finish(self) -> None:
        """Writes what is kept back, and looks at what is there."""
        if self._container is None:
            raise OutputError(f"no frame was written to {self._path}")
        self._encode(None)
        try:
            self._container.close()
        except FFmpegError as error:
            raise OutputError(f"cannot write {self._path}: {error}") from error
        self._file.flush()
        written = _frames_in(Path(self._file.name))
        if written != self.count:
            raise OutputError(f"only {written} of {self.count} frames reached {self._path}")

    def close(self) -> None:
        """After an error: what it leaves is worth nothing."""
        if self._container is not None:
            with suppress(FFmpegError, OSError, ValueError):
                self._container.close()

    def _opened(self, width: int, height: int) -> VideoStream:
        kind = CONTAINERS[self._path.suffix.lower()]
        self._container = av.open(self._file, "w", format=kind)
        if kind == "avi":
            stream = self._container.add_stream("mjpeg", rate=self._rate, options=JPEG)
            stream.pix_fmt = "yuvj420p"
        else:
            stream = self._container.add_stream("libx264", rate=self._rate, options=H264)
            # all players know halved colours, which H.264 has for even sizes alone
            stream.pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        stream.width, stream.height = width, height
        self._stream = stream
        return stream

    def _encode(self, picture: av.VideoFrame | None) -> None:
        if self._container is None or self._stream is None:
            return
        try:
            self._container.mux(self._stream.encode(picture))
        except FFmpegError as error:
            raise OutputError(f"cannot write {self._path}: {error}") from error


def _fraction(rate: float) -> Fraction:
    """The frame rate as containers have it, and never 0."""
    if rate < 1:
        return 1 / Fraction(1 / rate).limit_denominator(FINEST)
    return Fraction(rate).limit_denominator(FINEST)


def _frames_in(path: Path) -> int:
    """How many frames a video holds, without decoding them; 0 if it is none."""
    try:
        with av.open(str(path)) as container:
            return sum(packet.size > 0 for packet in container.demux(video=0))
    except (FFmpegError, OSError):
        return 0
