"""Small pictures of all frames of a clip, made once in the background, so that one can move in it at once."""

import os
import tempfile
from contextlib import suppress
from threading import Event, Thread, get_native_id

from s2iammask_core.errors import DatasetError
from s2iammask_core.files.clips import Clip
from s2iammask_core.geometry import HostFrame
from s2iammask_core.page.pictures import jpeg_of

WIDEST = 1280  # pixels
MOST_BYTES = 4 << 30  # on the disk; frames beyond are read from the clip when they are looked at
PATIENT = 10  # niceness


class Previews:
    """Reads the clip through in a thread of its own. They lie in one file without a name."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._file = tempfile.TemporaryFile(prefix="s2iammask_page_")  # noqa: SIM115  # stop() closes it
        self._places: list[tuple[int, int]] = []  # by frame: where its JPEG begins, and its length
        self._sizes: list[tuple[int, int]] = []  # by frame: (H, W)
        self._stopping = Event()
        self.read = 0  # frames so far
        self.finished = False
        self.failure = ""
        self._thread = Thread(target=self._run, name="previews", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Waits until all is read."""
        self._thread.join()

    def stop(self) -> None:
        self._stopping.set()
        self.join()
        self._file.close()

    def get(self, number: int) -> tuple[bytes, tuple[int, int]] | None:
        """The JPEG of a frame, and the frame's size (H, W), if it is made."""
        if number >= len(self._places):
            return None
        begin, length = self._places[number]
        return os.pread(self._file.fileno(), length, begin), self._sizes[number]

    def _run(self) -> None:
        with suppress(OSError, AttributeError):  # where threads have a niceness of their own
            os.setpriority(os.PRIO_PROCESS, get_native_id(), PATIENT)
        try:
            self._read_through()
        except (DatasetError, OSError) as error:
            self.failure = str(error)
        self.finished = True

    def _read_through(self) -> None:
        end = 0
        for number, frame in self._clip.read():
            if self._stopping.is_set():
                return
            for _ in range(number + 1 - self.read):  # in the place of missing frames too
                end = self._keep(frame, end) if end < MOST_BYTES else end
                self.read += 1

    def _keep(self, frame: HostFrame, end: int) -> int:
        data = jpeg_of(frame, WIDEST)
        os.pwrite(self._file.fileno(), data, end)
        self._sizes.append((frame.shape[0], frame.shape[1]))
        self._places.append((end, len(data)))
        return end + len(data)
