"""A back end that shows drawn pictures and remembers what was asked of it, and a real browser."""

import asyncio
from contextlib import contextmanager
from threading import Thread

import numpy as np
import pytest

pytest.importorskip("aiohttp", reason="pip install 's2iammask[page]'")

from aiohttp import web

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
        self.hub, self.cameras = None, [""]

    @property
    def greeting(self):
        return Greeting("live", "drawn", self.cameras, 64.0)

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


@contextmanager
def served_in_a_thread(backend, token=""):
    """The address of a server in a thread of its own."""
    loop, runner = asyncio.new_event_loop(), None

    async def begin():
        nonlocal runner
        runner = web.AppRunner(Server(backend, Hub()).app(Access.of("127.0.0.1", token)))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/"

    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@pytest.fixture
def served():
    return served_in_a_thread


@pytest.fixture(scope="module")
def browser():
    from demo import browser as chromium

    with chromium.open_browser() as opened:
        yield opened
