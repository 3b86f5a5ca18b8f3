"""How fast a tracker is: seconds in start and track, and seconds spent on decoding frames."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from s2iammask_core.boxes import Box, Points
from s2iammask_core.evaluation.protocols import Runnable
from s2iammask_core.evaluation.sequences.frames import Frames
from s2iammask_core.files.digests import Digest
from s2iammask_core.files.outputs import write_text
from s2iammask_core.geometry import HostFrame
from s2iammask_core.tracking.track import Mask, Track

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Speed:
    """What some frames took."""

    frames: int = 0
    tracking_seconds: float = 0.0  # in start and track
    decoding_seconds: float = 0.0

    @property
    def fps(self) -> float:
        """Frames per second of start and track."""
        return self.frames / self.tracking_seconds if self.tracking_seconds else 0.0

    @property
    def fps_with_decoding(self) -> float:
        seconds = self.tracking_seconds + self.decoding_seconds
        return self.frames / seconds if seconds else 0.0

    def write(self, path: Path) -> None:
        write_text(path, json.dumps(asdict(self)) + "\n")

    @classmethod
    def total(cls, paths: Iterable[Path]) -> "Speed":
        """The sum of what these files say; those that are not there count nothing."""
        parts = [cls(**json.loads(path.read_text())) for path in paths if path.is_file()]
        return cls(
            sum(each.frames for each in parts),
            sum(each.tracking_seconds for each in parts),
            sum(each.decoding_seconds for each in parts),
        )


class Stopwatch:
    """Adds up the time of the calls that go through it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0

    def time(self, call: Callable[[], Result]) -> Result:
        begin = time.perf_counter()
        result = call()
        self.seconds += time.perf_counter() - begin
        self.calls += 1
        return result


class TimedTracker:
    """A tracker that counts the time of start and track."""

    def __init__(self, tracker: Runnable) -> None:
        self._tracker = tracker
        self.watch = Stopwatch()

    def start(
        self, frame: HostFrame, targets: Sequence[Box | Points | Mask], ids: Sequence[int] | None = None
    ) -> list[int]:
        return self.watch.time(lambda: self._tracker.start(frame, targets, ids))

    def track(self, frame: HostFrame) -> list[Track]:
        return self.watch.time(lambda: self._tracker.track(frame))

    def stop(self, ids: Sequence[int] | None = None) -> None:
        self._tracker.stop(ids)


class TimedFrames:
    """Frames that count the time of decoding."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self.watch = Stopwatch()

    def __len__(self) -> int:
        return len(self._frames)

    def read(self, index: int) -> HostFrame:
        return self.watch.time(lambda: self._frames.read(index))

    def name(self, index: int) -> str:
        return self._frames.name(index)

    def size(self, index: int) -> tuple[int, int]:
        return self._frames.size(index)

    def trace(self, digest: Digest) -> None:
        self._frames.trace(digest)
