"""Video files, decoded with FFmpeg through PyAV; where something of a file is missing, that is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from heapq import heappop, heappush
from pathlib import Path

import av
import numpy as np
from av import VideoFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.logging import Capture
from av.packet import Packet
from av.video.stream import VideoStream

from s2iammask_core.errors import VideoError
from s2iammask_core.files.reading import USUAL_RATE, Head, Numbered, Tally
from s2iammask_core.geometry import HostFrame

FASTEST = 1000.0  # frames per second; what claims more does not know
TAGGED = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")  # how long a stream is, in Matroska: 00:00:12.345
SLACK = 0.5  # seconds by which the last frame may end before the file says that it does


def video_head(path: Path) -> Head:
    """VideoError if the file is no video."""
    with _opened(path) as (container, _):
        stream = _stream(container, path)
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        return Head(rate if 0 < rate <= FASTEST else USUAL_RATE, stream.frames or None)


def video_frames(path: Path, limit: int | None = None) -> Iterator[Numbered]:
    """The first so many frames that can be decoded, or all.

    IncompleteError at the end, if those are not all, or not whole.
    """
    with _opened(path) as (container, complained):
        stream = _stream(container, path)
        cut = container.format.name in complained - {stream.codec_context.name}
        decoder = _Decoder(stream, _clock(container, stream))
        tally = decoder.tally
        for each in decoder.frames(container):
            if limit is None or each.number < limit:
                tally.read += 1
                yield each
            if limit is not None and each.number >= limit - 1:
                break
        else:
            tally.cut = tally.cut or cut or decoder.seconds < _promised_seconds(container, stream) - SLACK
        tally.check(str(path), limit)


class Clock(Enum):
    """What the time of a packet tells."""

    ORDER = auto()  # the order in which frames are shown
    NUMBER = auto()  # the frame's number, in an AVI without B frames: what it left out is missing
    NONE = auto()  # nothing, in other AVIs


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, set[str]]]:
    """The container, and the names of FFmpeg's parts that complained: they have looked at its beginning,
    which may be all of it.
    """
    if not path.is_file():
        raise VideoError(f"there is no video {path}")
    av.logging.set_level(av.logging.ERROR)  # what Capture is to hear; nobody else hears it
    av.logging.set_skip_repeated(False)  # or they come late
    try:
        with Capture() as said:
            container = av.open(str(path))
    except (FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"cannot open {path}; is it a whole video? {_reason(error)}") from error
    with container:
        yield container, {name for _, name, _ in said}


def _stream(container: InputContainer, path: Path) -> VideoStream:
    found = container.streams.best("video")
    if not isinstance(found, VideoStream):
        raise VideoError(f"{path} holds no video")
    found.thread_type = "NONE"  # FFmpeg's own threads must not log while Python listens
    return found


def _clock(container: InputContainer, stream: VideoStream) -> Clock:
    if "avi" not in container.format.name.split(","):
        return Clock.ORDER
    return Clock.NONE if stream.codec_context.has_b_frames else Clock.NUMBER


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _promised_seconds(container: InputContainer, stream: VideoStream) -> float:
    """Where the last frame ends, as far as the file itself says so; 0 where it does not."""
    if tagged := TAGGED.match(stream.metadata.get("DURATION", "")):
        hours, minutes, seconds = map(float, tagged.groups())
        return hours * 3600 + minutes * 60 + seconds
    alone = len(container.streams) == 1 and "matroska" in container.format.name
    return (container.duration or 0) / av.time_base if alone else 0.0


class _Decoder:
    """Gives each frame the place that its packet has in the order of display."""

    def __init__(self, stream: VideoStream, clock: Clock) -> None:
        self.tally = Tally(stream.frames or None)
        self.seconds = 0.0  # where the last frame ends
        self._stream, self._clock = stream, clock
        self._next = 0  # number of the next frame
        self._last = -1  # time of the last packet
        self._waiting: list[int] = []  # heap of the times of packets whose frames have not come yet
        self._hurt: set[int | None] = set()  # times of packets in which the decoder saw errors

    def frames(self, container: InputContainer) -> Iterator[Numbered]:
        for packet in self._packets(container):
            for frame in self._decoded(packet):
                yield self._numbered(frame)
        self._miss(len(self._waiting))

    def _packets(self, container: InputContainer) -> Iterator[Packet[VideoStream] | None]:
        """The packets of the stream, and at last None: then the decoder gives what it has kept back."""
        source = container.demux(self._stream)
        while True:
            with Capture() as said:
                try:
                    packet = next(source, None)
                except FFmpegError as error:
                    packet = None
                    said.append((av.logging.ERROR, "", _reason(error)))
            if said:
                self.tally.cut = True
                self._note(said)
            if packet is None or packet.size == 0:
                break
            yield packet
        yield None

    def _decoded(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        if packet is not None:
            self._expect(packet)
        with Capture() as said:
            try:
                frames = self._stream.decode(packet)
            except FFmpegError as error:
                frames = []
                said.append((av.logging.ERROR, "", _reason(error)))
                if packet is not None and packet.pts is None:
                    self._miss(1)
        if said or (packet is not None and packet.is_corrupt):
            self._note(said)
            self._hurt.add(packet.pts if packet is not None else None)
        return frames

    def _expect(self, packet: Packet[VideoStream]) -> None:
        if packet.is_discard:  # an edit list leaves its frame out
            if self.tally.promised:
                self.tally.promised -= 1
        elif packet.pts is not None and self._clock is not Clock.NONE:
            for time in self._left_out(packet.pts):
                heappush(self._waiting, time)
            heappush(self._waiting, packet.pts)
            self._last = packet.pts

    def _left_out(self, time: int) -> range:
        """Times of frames between the last packet and this one that the file does not hold."""
        if self._clock is not Clock.NUMBER or time - self._last > (self.tally.promised or 0):
            return range(0)
        return range(self._last + 1, time)

    def _numbered(self, frame: VideoFrame) -> Numbered:
        while self._waiting and frame.pts is not None and self._waiting[0] < frame.pts:
            heappop(self._waiting)
            self._miss(1)
        if self._waiting:
            heappop(self._waiting)
        number, self._next = self._next, self._next + 1
        if frame.is_corrupt or frame.pts in self._hurt:
            self.tally.damaged.append(number)
            self._hurt.discard(frame.pts)
        self.seconds = max(self.seconds, self._end(frame))
        return Numbered(number, _pixels(frame))

    def _end(self, frame: VideoFrame) -> float:
        rate = float(self._stream.average_rate or USUAL_RATE)
        begin = float((frame.pts or 0) * (self._stream.time_base or 0))
        return begin + 1 / rate

    def _miss(self, count: int) -> None:
        self.tally.missing += range(self._next, self._next + count)
        self._next += count

    def _note(self, said: list[tuple[int, str, str]]) -> None:
        self.tally.reasons += [text.strip() for _, _, text in said]


def _pixels(frame: VideoFrame) -> HostFrame:
    """(H, W, 3) RGB, turned as the file says that it is to be shown."""
    pixels = frame.to_ndarray(format="rgb24")
    turned = np.rot90(pixels, round(frame.rotation / 90))
    return np.ascontiguousarray(turned, np.uint8)
