"""A camera that is read all the time, and its newest frame tracked."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import TypeVar

from s2iammask_core.boxes import RotatedBox
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.clips import Clip
from s2iammask_core.page.live.pace import Pace
from s2iammask_core.page.live.recent import Moment, Recent
from s2iammask_core.page.live.targets import LiveTargets
from s2iammask_core.page.pictures import Picture, Seen
from s2iammask_core.tracking.tracker import Tracker
from s2iammask_core.worker import Worker

Answer = TypeVar("Answer")
AGAIN = 1.0  # seconds until a camera that gave no more is opened again
PATIENCE = 30.0  # seconds for which a request waits for its turn


@dataclass(frozen=True, slots=True)
class Health:
    """How the camera is doing."""

    came: float  # when its last frame came, monotonic seconds; 0: none yet
    failure: str  # why it gives none now; empty while it does


class Stream:
    """One thread reads, one tracks: frames that come while it tracks are dropped but for the newest."""

    def __init__(self, camera: Clip, tracker: Tracker, show: Callable[[Picture], None]) -> None:
        self.pace, self.health = Pace(), Health(0.0, "")
        self.targets = LiveTargets(tracker)
        self._camera, self._show, self._recent = camera, show, Recent()
        self._worker: Worker[Moment] = Worker(self._work)
        self._stopping = Event()
        self._reading = Thread(target=self._read, name="camera", daemon=True)

    def start(self) -> None:
        self._worker.start()
        self._reading.start()

    def stop(self) -> None:
        """Waits for the frame that is being tracked, but not for a camera that hangs."""
        self._stopping.set()
        self._worker.stop(PATIENCE)
        self._reading.join(AGAIN)

    def start_target(self, stamp: int, box: RotatedBox, label: str) -> str:
        """Follows what the box holds in the frame of that stamp; returns its id."""
        return self._call(lambda: self.targets.start(self._recent.since(stamp), box, label))

    def stop_targets(self, ids: tuple[str, ...] | None) -> list[str]:
        return self._call(lambda: self.targets.stop(ids, time.time_ns()))

    def _call(self, command: Callable[[], Answer]) -> Answer:
        """Between two frames, in the thread that tracks."""
        return self._worker.call(command, PATIENCE)

    def _read(self) -> None:
        while not self._stopping.is_set():
            self._read_on()
            self._stopping.wait(AGAIN)

    def _read_on(self) -> None:
        try:
            for numbered in self._camera.read():
                if self._stopping.is_set():
                    return
                self.health = Health(time.monotonic(), "")
                if self._worker.offer(Moment(time.time_ns(), numbered.frame)) is not None:
                    self.pace.drop()
            self.health = Health(self.health.came, f"{self._camera.name} has ended")
        except DatasetError as error:
            self.health = Health(self.health.came, str(error))

    def _work(self, moments: list[Moment]) -> None:
        for moment in moments:
            self._recent.add(moment)
            self._show(picture(moment, self.targets.track(moment)))
            self.pace.add(moment.stamp, time.time_ns())


def picture(moment: Moment, seen: list[Seen]) -> Picture:
    return Picture(moment.stamp, moment.size, seen, lambda: moment.frame)
