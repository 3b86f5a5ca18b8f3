"""What there is to see: the newest picture of each camera, and what was last said of each thing."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

from s2iammask_core.page.pictures import Picture
from s2iammask_core.page.trails import Trails

Key = tuple[str, str]  # what a text is about: its type and its camera


@dataclass(frozen=True, slots=True)
class Published:
    """A picture that viewers may take, numbered by its camera."""

    camera: str
    number: int
    picture: Picture

    def message(self, width: int) -> bytes:
        return self.picture.message(self.camera, self.number, width)


class Hub:
    """Takes pictures and texts from any thread; keeps the newest only, so it never grows.

    Pictures come through at most `rate` times a second, at the same moments for all viewers: what is turned
    into JPEG for one serves them all.
    """

    def __init__(self, rate: float = 30.0) -> None:
        self.pictures: dict[str, Published] = {}
        self.texts: dict[Key, str] = {}
        self.trails = Trails()
        self._numbers = itertools.count(1)
        self.rate = rate
        self._waiting: dict[str, Picture] = {}
        self._due: dict[str, float] = {}  # when a camera's next picture may come through
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: dict[int, Callable[[Key | str], None]] = {}
        self.encoders = ThreadPoolExecutor(1, thread_name_prefix="jpeg")

    def open(self) -> None:
        """Begins to serve the running loop's viewers."""
        self._loop = asyncio.get_running_loop()
        for camera in list(self._waiting):
            self._soon(partial(self._release, camera))

    def close(self) -> None:
        self._loop = None
        self.encoders.shutdown(wait=False, cancel_futures=True)

    def show(self, camera: str, picture: Picture) -> None:
        """Replaces the camera's picture."""
        self.trails.add(camera, picture)
        with self._lock:
            alone = camera not in self._waiting
            self._waiting[camera] = picture
        if alone:
            self._soon(partial(self._release, camera))

    def tell(self, kind: str, camera: str = "", **content: Any) -> None:
        """Replaces what was said about this; nothing happens where it is the same."""
        text = text_of(kind, camera, content)
        if self.texts.get((kind, camera)) != text:
            self.texts[kind, camera] = text
            self._soon(partial(self._announce, (kind, camera)))

    def forget(self, camera: str) -> None:
        """Drops the camera's picture and trails, as after a jump in time."""
        self.trails.forget(camera)
        with self._lock:
            self._waiting.pop(camera, None)
        self.pictures.pop(camera, None)

    def listen(self, who: object, heard: Callable[[Key | str], None]) -> None:
        """Calls `heard`, in the loop, with a camera's name for each picture and a key for each text."""
        self._listeners[id(who)] = heard

    def leave(self, who: object) -> None:
        self._listeners.pop(id(who), None)

    def _release(self, camera: str) -> None:
        """Lets the waiting picture through, now or when it is time."""
        wait = self._due.get(camera, 0.0) - time.monotonic()
        if wait > 0 and self._loop is not None:
            self._loop.call_later(wait, self._release, camera)
            return
        self._due[camera] = time.monotonic() + 1 / self.rate
        with self._lock:
            picture = self._waiting.pop(camera, None)
        if picture is not None:
            self.pictures[camera] = Published(camera, next(self._numbers), picture)
            self._announce(camera)

    def _announce(self, what: Key | str) -> None:
        for heard in list(self._listeners.values()):
            heard(what)

    def _soon(self, call: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody looks any more
                self._loop.call_soon_threadsafe(call)


def text_of(kind: str, camera: str, content: Mapping[str, Any]) -> str:
    return json.dumps({"type": kind, "camera": camera, **content}, allow_nan=False)
