"""Moves through a clip in a thread of its own: shows frames, and tracks those that targets want."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from s2iammask_core.boxes import RotatedBox
from s2iammask_core.errors import S2iamMaskError, TargetError
from s2iammask_core.files.clips import Clip
from s2iammask_core.geometry import HostFrame
from s2iammask_core.page.clip.footage import Footage
from s2iammask_core.page.clip.previews import Previews
from s2iammask_core.page.clip.rates import Rates
from s2iammask_core.page.clip.targets import ClipTargets
from s2iammask_core.page.pictures import Picture
from s2iammask_core.worker import settle

Answer = TypeVar("Answer")
SECOND = 1e9


class Mode(Enum):
    PAUSED = "paused"
    PLAYING = "playing"  # at the clip's rate, or as fast as the tracker follows
    TRACKING = "tracking"  # as fast as it can, up to the end


@dataclass(frozen=True, slots=True)
class Place:
    """Where the player is."""

    frame: int
    mode: Mode
    count: int  # frames that are known of
    whole: bool  # whether these are all
    error: str  # why it stopped, if it did so by itself


class Player:
    """Everything but `ask` runs in its thread, so no two things touch the targets at once."""

    def __init__(
        self, clip: Clip, targets: ClipTargets, previews: Previews, show: Callable[[Picture], None]
    ) -> None:
        self.targets, self.rates = targets, Rates()
        self._clip, self._footage, self._previews, self._show = clip, Footage(clip), previews, show
        self._mode, self._frame, self._error = Mode.PAUSED, 0, ""
        self._due = 0.0  # when the next frame of playing is to be shown
        self._commands: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="player", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._commands.put(None)
        self._thread.join()

    def ask(self, command: Callable[[], Answer]) -> "Future[Answer]":
        """Runs a command in the player's thread, between two frames."""
        future: Future[Answer] = Future()
        self._commands.put((future, command))
        return future

    @property
    def place(self) -> Place:
        return Place(self._frame, self._mode, self.count, self._is_whole, self._error)

    @property
    def count(self) -> int:
        """All frames of the clip, or as many as are known of so far."""
        promised = 0 if self._previews.finished else self._clip.count or 0
        return max(self._previews.read, promised, self._frame + 1)

    @property
    def _is_whole(self) -> bool:
        return self._previews.finished or self._clip.count is not None

    def seek(self, frame: int) -> None:
        """Shows a frame and pauses there."""
        self._mode = Mode.PAUSED
        self._display(min(frame, self.count - 1))

    def step(self) -> None:
        """Shows the next frame, tracks what wants it, and pauses there."""
        self._mode = Mode.PAUSED
        self._forward()

    def play(self) -> None:
        """From here, or from the start again at the end."""
        if self._previews.finished and self._frame >= self.count - 1:
            self._display(0)
        self._mode, self._error, self._due = Mode.PLAYING, "", time.monotonic()

    def track(self) -> None:
        """From the first frame that a target wants, to the end; TargetError if none wants any."""
        first = self.targets.first_open(self.count)
        if first is None:
            raise TargetError("everything is tracked; draw a box around an object first")
        self._mode, self._error = Mode.TRACKING, ""
        self._frame = first - 1

    def pause(self) -> None:
        self._mode = Mode.PAUSED

    def start_target(self, number: int, box: RotatedBox, label: str, id_: str) -> str:
        """Follows what the box holds in a frame, and goes on from there; returns its id."""
        frame = self._footage.frame(number)
        if frame is None:
            raise TargetError(f"the clip has no frame {number}")
        named = self.targets.start(number, frame, box, label, id_)
        self._display(number)
        return named

    def stop_targets(self, ids: tuple[str, ...] | None) -> list[str]:
        """Ends targets at the frame that is shown."""
        stopped = self.targets.stop(ids, self._frame)
        self._display(self._frame)
        return stopped

    def _run(self) -> None:
        self._attempt(lambda: self._display(0))
        while True:
            try:
                command = self._commands.get(timeout=self._patience())
            except Empty:
                self._attempt(self._go_on)
                continue
            if command is None:
                return
            settle(*command)

    def _patience(self) -> float | None:
        """Seconds until the next frame is due; None: there is none."""
        if self._mode is Mode.PAUSED:
            return None
        return max(self._due - time.monotonic(), 0.0) if self._mode is Mode.PLAYING else 0.0

    def _go_on(self) -> None:
        self._due = max(self._due + 1 / self._clip.rate, time.monotonic() - 1 / self._clip.rate)
        if self._mode is Mode.TRACKING:
            first = self.targets.first_open(self.count)
            self._frame = self._frame if first is None else first - 1
            if first is None or not self._forward():
                self.seek(self._frame)
        elif not self._forward():
            self._mode = Mode.PAUSED

    def _forward(self) -> bool:
        """Shows the next frame, tracked; False at the end."""
        number = self._frame + 1
        if not self.targets.is_wanted(number):
            return self._display(number)
        frame = self._footage.frame(number)
        if frame is None:
            return False
        begin = time.monotonic()
        self.targets.track(number, frame)
        self.rates.add(time.monotonic(), time.monotonic() - begin)
        self._frame = number
        self._show(self._picture(number, (frame.shape[0], frame.shape[1]), frame=frame))
        return True

    def _display(self, number: int) -> bool:
        """Shows a frame as it is known; False if there is none."""
        preview = self._previews.get(number)
        if preview is not None:
            jpeg, size = preview
            picture = self._picture(number, size, jpeg=jpeg)
        else:
            frame = self._footage.frame(number)
            if frame is None:
                return False
            picture = self._picture(number, (frame.shape[0], frame.shape[1]), frame=frame)
        self._frame = number
        self._show(picture)
        return True

    def _picture(
        self, number: int, size: tuple[int, int], frame: HostFrame | None = None, jpeg: bytes | None = None
    ) -> Picture:
        stamp = round(number / self._clip.rate * SECOND)
        source = None if frame is None else lambda: frame
        return Picture(stamp, size, self.targets.seen(number), source, jpeg)

    def _attempt(self, action: Callable[[], Any]) -> None:
        """What goes wrong while nobody asks ends the movement, and is said."""
        try:
            action()
        except S2iamMaskError as error:
            self._mode, self._error = Mode.PAUSED, str(error)


def frame_of(stamp: int, rate: float) -> int:
    """The number of the frame with that stamp."""
    return round(stamp / SECOND * rate)
