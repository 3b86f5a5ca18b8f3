"""A back end that shows drawn pictures and remembers what was asked of it; and a server for it."""

import asyncio
import json
import struct
from contextlib import asynccontextmanager

import numpy as np
import pytest

pytest.importorskip("aiohttp", reason="pip install 's2iammask[page]'")

from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from s2iammask_core.boxes import RotatedBox
from s2iammask_core.errors import TargetError
from s2iammask_core.page.access import Access
from s2iammask_core.page.backend import Greeting
from s2iammask_core.page.hub import Hub
from s2iammask_core.page.pictures import Picture, Seen
from s2iammask_core.page.protocol import Answer, Start
from s2iammask_core.page.server import Server
from s2iammask_core.tracking.track import MaskRegion, TrackState


class Drawn:
    """Tracks nothing: a start at x < 0 is refused, everything else is done."""

    def __init__(self):
        self.asked, self.watched, self.files = [], [], {}
        self.hub = None

    @property
    def greeting(self):
        return Greeting("live", "drawn", [""], 64.0)

    async def open(self, hub):
        self.hub = hub

    async def close(self):
        self.hub = None

    def watch(self, cameras):
        self.watched.append(cameras)

    def file(self, name):
        return self.files.get(name)

    async def ask(self, wish):
        self.asked.append(wish)
        if isinstance(wish, Start) and wish.box.cx < 0:
            raise TargetError("the box lies outside the frame")
        return Answer(True, "done", ("1",))


def picture(stamp=0, side=48, seen=()):
    frame = np.full((side, 2 * side, 3), 128, np.uint8)
    return Picture(stamp, frame.shape[:2], seen, lambda: frame)


def seen(id_="1", state=TrackState.TRACKING, confidence=0.9):
    pixels = np.ones((4, 6), np.bool_)
    mask = MaskRegion(10, 20, pixels, pixels.astype(np.float32))
    return Seen(id_, "cup", state, 1.5, confidence, RotatedBox(13, 22, 6, 4, 0.0), mask)


@pytest.fixture
def drawn():
    return Drawn()


@pytest.fixture
def make_picture():
    return picture


@pytest.fixture
def make_seen():
    return seen


@pytest.fixture
def serving():
    """Serves a back end; the client stands for a browser on this machine."""

    @asynccontextmanager
    async def serve(backend, token="", host="127.0.0.1"):
        app = Server(backend, Hub(rate=1000)).app(Access.of(host, token))
        async with TestClient(TestServer(app)) as client:
            yield client

    return serve


class Page:
    """What the page's own code does with a WebSocket."""

    def __init__(self, socket):
        self.socket = socket
        self.number = 0
        self.last = {}  # by type: what was heard while something else was waited for

    async def send(self, **message):
        await self.socket.send_str(json.dumps(message))

    async def hear(self, kind, **like):
        """The last message of that type that nobody has heard, or the next one, with these values."""

        async def wait():
            message = self.last.pop(kind, {})
            while message.get("type") != kind or not like.items() <= message.items():
                message = await self.next()
                self.last[message["type"]] = message
            return self.last.pop(kind, message)

        return await asyncio.wait_for(wait(), 30)

    async def hear_until(self, kind, holds):
        """The first message of that type for which holds(message) is true."""
        while not holds(message := await self.hear(kind)):
            pass
        return message

    async def next(self):
        message = await self.socket.receive()
        assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY), message
        if message.type is WSMsgType.TEXT:
            return json.loads(message.data)
        (length,) = struct.unpack_from("<I", message.data)
        header = json.loads(message.data[4 : 4 + length])
        await self.send(type="shown", camera=header["camera"], number=header["number"])
        return header | {"jpeg": message.data[4 + length :]}

    async def ask(self, **message):
        self.number += 1
        await self.send(request=self.number, **message)
        return await self.hear("answer", request=self.number)

    async def watch(self, *cameras, width=640):
        await self.send(type="watch", cameras=list(cameras) or [""], width=width)


@pytest.fixture
def opened():
    """A page in a browser."""

    @asynccontextmanager
    async def open_page(client):
        async with client.ws_connect("/ws") as socket:
            yield Page(socket)

    return open_page


@pytest.fixture
def run():
    return asyncio.run
