"""One browser: it gets the newest of everything, as fast as it takes it, and asks for things."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from s2iammask_core.errors import RequestError, S2iamMaskError
from s2iammask_core.page.backend import Backend
from s2iammask_core.page.hub import Hub, Key, text_of
from s2iammask_core.page.protocol import Answer, Ask, Shown, Watch, parse

AHEAD = 2  # pictures of a camera that may be on their way to a browser
MOST_PENDING = 8  # requests of one browser that wait for their answers
MOST_UNREAD = 64  # texts for one browser alone that wait to be sent
MOST_CAMERAS = 16  # that one browser looks at


class Socket(Protocol):
    """A WebSocket; sending waits while the other side does not read."""

    async def send_str(self, data: str) -> None: ...

    async def send_bytes(self, data: bytes) -> None: ...


class Viewer:
    """Keeps no picture of its own and one text of each kind, so a slow browser costs nothing."""

    def __init__(self, hub: Hub, backend: Backend, changed: Callable[[], None]) -> None:
        """changed: called when it looks at other cameras than before."""
        self.cameras: frozenset[str] = frozenset()
        self._hub, self._backend, self._changed = hub, backend, changed
        self._width = 1280
        self._sent: dict[str, list[int]] = {}  # by camera: pictures that are not shown yet
        self._last: dict[str, int] = {}  # by camera: number of the last picture sent
        self._keys = dict.fromkeys(hub.texts)  # texts to be sent, in this order
        self._own: deque[str] = deque()  # texts for this browser alone
        self._asking: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._wake.set()

    def heard(self, what: Key | str) -> None:
        """There is something new in the hub."""
        if isinstance(what, tuple):
            self._keys[what] = None
            self._wake.set()
        elif what in self.cameras:
            self._wake.set()

    async def write(self, socket: Socket) -> None:
        """Sends what there is, for ever."""
        self._hub.listen(self, self.heard)
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._write_texts(socket)
                await self._write_pictures(socket)
        finally:
            self._hub.leave(self)

    async def _write_texts(self, socket: Socket) -> None:
        while self._own:
            await socket.send_str(self._own.popleft())
        while self._keys:
            key = next(iter(self._keys))
            del self._keys[key]
            if key in self._hub.texts:
                await socket.send_str(self._hub.texts[key])

    async def _write_pictures(self, socket: Socket) -> None:
        loop = asyncio.get_running_loop()
        for camera in sorted(self.cameras):
            published, sent = self._hub.pictures.get(camera), self._sent.setdefault(camera, [])
            if published is None or published.number == self._last.get(camera) or len(sent) >= AHEAD:
                continue
            message = await loop.run_in_executor(self._hub.encoders, published.message, self._width)
            sent.append(published.number)
            self._last[camera] = published.number
            await socket.send_bytes(message)

    def read(self, text: str) -> None:
        """Takes a message of the browser; RequestError if it is none."""
        message = parse(text)
        if len(self._own) > MOST_UNREAD:
            raise RequestError("the answers to earlier messages are not read")
        if isinstance(message, Watch):
            self._watch(message)
        elif isinstance(message, Shown):
            sent = self._sent.get(message.camera, [])
            sent[:] = [number for number in sent if number > message.number]
            self._wake.set()
        else:
            self._ask(message)

    def leave(self) -> None:
        for task in self._asking:
            task.cancel()
        self.cameras = frozenset()
        self._changed()

    def _watch(self, wish: Watch) -> None:
        if len(wish.cameras) > MOST_CAMERAS:
            raise RequestError(f"a page shows at most {MOST_CAMERAS} cameras")
        self.cameras, self._width = frozenset(wish.cameras), wish.width
        for camera in self.cameras:
            self._own.append(text_of("trails", camera, {"trails": self._hub.trails.of(camera)}))
        self._sent = {camera: sent for camera, sent in self._sent.items() if camera in self.cameras}
        self._last = {}
        self._changed()
        self._wake.set()

    def _ask(self, wish: Ask) -> None:
        if len(self._asking) >= MOST_PENDING:
            self._answer(wish, Answer(False, "too many requests at once; wait for their answers"))
            return
        task = asyncio.get_running_loop().create_task(self._asked(wish))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _asked(self, wish: Ask) -> None:
        try:
            answer = await self._backend.ask(wish)
        except S2iamMaskError as error:
            answer = Answer(False, str(error))
        self._answer(wish, answer)

    def _answer(self, wish: Ask, answer: Answer) -> None:
        self._own.append(answer.text(wish.request))
        self._wake.set()
