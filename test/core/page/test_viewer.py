"""What a browser gets: the newest, as fast as it takes it."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress

import pytest

from s2iammask_core.errors import RequestError
from s2iammask_core.page.hub import Hub
from s2iammask_core.page.viewer import AHEAD, MOST_PENDING, MOST_UNREAD, Viewer

WATCH = '{"type": "watch", "cameras": [""], "width": 640}'


class Socket:
    """Takes everything at once, or nothing while it is shut."""

    def __init__(self):
        self.texts, self.pictures = [], []
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def send_str(self, data):
        await self.is_open.wait()
        self.texts.append(json.loads(data))

    async def send_bytes(self, data):
        await self.is_open.wait()
        self.pictures.append(data)


@asynccontextmanager
async def viewing(backend, cameras=("",)):
    """A hub, a viewer that looks at these cameras, and its socket."""
    hub, socket = Hub(rate=100_000), Socket()
    hub.open()
    viewer = Viewer(hub, backend, lambda: None)
    writing = asyncio.create_task(viewer.write(socket))
    viewer.read(json.dumps({"type": "watch", "cameras": list(cameras), "width": 640}))
    try:
        yield hub, viewer, socket
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        hub.close()


def repeat(times, action):
    for _ in range(times):
        action()


async def settled(condition):
    async def wait():
        while not condition():
            await asyncio.sleep(0.001)

    await asyncio.wait_for(wait(), 20)


async def show(hub, pictures):
    """Shows pictures one after another; each has come through before the next one is shown."""
    for picture in pictures:
        hub.show("", picture)
        await settled(lambda picture=picture: "" in hub.pictures and hub.pictures[""].picture is picture)


def test_a_browser_that_shows_nothing_gets_no_more_than_a_few_pictures(run, drawn, make_picture):
    async def scene():
        async with viewing(drawn) as (hub, _, socket):
            await show(hub, [make_picture(stamp) for stamp in range(1, 20)])
            await asyncio.sleep(0)
            assert len(socket.pictures) <= AHEAD

    run(scene())


def test_after_a_pause_the_newest_picture_comes_and_no_older_one(run, drawn, make_picture):
    async def scene():
        async with viewing(drawn) as (hub, viewer, socket):
            await show(hub, [make_picture(1)])
            await settled(lambda: socket.pictures)
            socket.is_open.clear()
            await show(hub, [make_picture(stamp) for stamp in range(2, 20)])
            socket.is_open.set()
            viewer.read('{"type": "shown", "camera": "", "number": 1000}')
            await settled(lambda: b'"stamp": "19"' in socket.pictures[-1])
            assert len(socket.pictures) <= 3

    run(scene())


def test_of_many_texts_about_one_thing_the_last_is_sent(run, drawn):
    async def scene():
        async with viewing(drawn) as (hub, _, socket):
            await settled(lambda: socket.texts)
            socket.is_open.clear()
            for number in range(100):
                hub.tell("status", "", title=str(number))
            await asyncio.sleep(0)
            socket.is_open.set()
            await settled(lambda: socket.texts[-1].get("title") == "99")
            assert len([text for text in socket.texts if text["type"] == "status"]) <= 2

    run(scene())


def test_cameras_that_nobody_watches_are_not_sent(run, drawn, make_picture):
    async def scene():
        async with viewing(drawn, ["front"]) as (hub, _, socket):
            hub.show("rear", make_picture())
            hub.show("front", make_picture())
            await settled(lambda: socket.pictures)
            assert b'"camera": "front"' in socket.pictures[0]
            assert len(socket.pictures) == 1

    run(scene())


def test_pictures_come_through_no_faster_than_the_rate(run, make_picture):
    async def scene():
        hub, heard = Hub(rate=1), []
        hub.open()
        hub.listen(hub, heard.append)
        for stamp in range(50):
            hub.show("", make_picture(stamp))
            await asyncio.sleep(0)
        assert heard == [""]
        hub.close()

    run(scene())


def test_a_page_that_opens_in_the_middle_gets_what_was_said_and_how_sure_it_was(
    run, drawn, make_picture, make_seen
):
    async def scene():
        hub = Hub(rate=1000)
        hub.tell("hello", title="robot")
        for second in range(5):
            hub.show("", make_picture(second * 10**9, seen=[make_seen(confidence=second / 10)]))
        hub.open()
        viewer, socket = Viewer(hub, drawn, lambda: None), Socket()
        writing = asyncio.create_task(viewer.write(socket))
        viewer.read(WATCH)
        await settled(lambda: len(socket.texts) == 2)
        writing.cancel()
        hub.close()
        said = {text["type"]: text for text in socket.texts}
        assert said["hello"]["title"] == "robot"
        assert said["trails"]["trails"] == {"1": [[0, 0], [1, 0.1], [2, 0.2], [3, 0.3], [4, 0.4]]}

    run(scene())


def test_more_requests_than_can_wait_are_refused(run):
    class Slow:
        async def ask(self, wish):
            await asyncio.Event().wait()

    async def scene():
        async with viewing(Slow()) as (_, viewer, socket):
            for number in range(MOST_PENDING + 1):
                viewer.read(json.dumps({"type": "stop", "request": number, "camera": "", "ids": []}))
            await settled(lambda: any(text["type"] == "answer" for text in socket.texts))
            assert "too many" in socket.texts[-1]["message"]
            viewer.leave()

    run(scene())


def test_a_browser_that_asks_and_never_reads_is_shown_out(run, drawn):
    async def scene():
        async with viewing(drawn) as (_, viewer, socket):
            socket.is_open.clear()
            with pytest.raises(RequestError, match="not read"):
                repeat(2 * MOST_UNREAD, lambda: viewer.read(WATCH))

    run(scene())
