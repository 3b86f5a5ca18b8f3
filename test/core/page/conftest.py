"""A back end that shows drawn pictures and remembers what was asked of it."""

import numpy as np
import pytest

pytest.importorskip("aiohttp", reason="pip install 's2iammask[page]'")

from s2iammask_core.boxes import RotatedBox
from s2iammask_core.errors import TargetError
from s2iammask_core.page.backend import Greeting
from s2iammask_core.page.pictures import Picture, Seen
from s2iammask_core.page.protocol import Answer, Start
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
