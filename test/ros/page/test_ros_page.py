"""The page beside a real node, as a browser sees it through the WebSocket."""

from contextlib import asynccontextmanager
from threading import Event, Thread

import pytest

pytest.importorskip("aiohttp", reason="pip install 's2iammask[page]'")
pytest.importorskip("rclpy")

from s2iammask_core.page.hub import Hub
from s2iammask_ros.page.backend import RosBackend
from s2iammask_ros.page.client import PageNode

BLOCK = [70, 75, 40, 30, 0.0]


class Robot:
    """A camera that shows a moving red block at some 30 Hz, and a thread in which all nodes live."""

    def __init__(self, world, scene, red):
        self.world, self.scene, self.red = world, scene, red
        self.camera, self.shown = world.camera(), 0
        self.is_showing, self._ended = True, Event()
        world.robot.create_timer(0.03, self._show)
        self._thread = Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _show(self):
        if self.is_showing:
            self.shown += 1
            step = abs(self.shown % 60 - 30)
            self.camera.show(self.scene((50 + 2 * step, 60, 40, 30, self.red)))

    def _spin(self):
        while not self._ended.is_set():
            self.world.executor.spin_once(timeout_sec=0.05)

    def end(self):
        self._ended.set()
        self._thread.join()


@pytest.fixture
def robot(world, scene, colours):
    robot = Robot(world, scene, colours[0])
    yield robot
    robot.end()


@pytest.fixture
def on_page(world, robot, run, serving, opened):
    """Runs a scene with a page that looks at the robot."""

    def play(scene, *cameras):
        async def whole():
            async with beside(world, serving, opened) as page:
                await page.watch(*cameras)
                await scene(page)

        run(whole())

    return play


@asynccontextmanager
async def beside(world, serving, opened):
    hub = Hub()
    node = PageNode(hub, context=world.context)
    try:
        async with serving(RosBackend(node, world.context), hub=hub) as client, opened(client) as page:
            yield page
    finally:
        node.destroy_node()


def start(page, stamp, box=BLOCK, **more):
    return page.ask(type="start", camera="", stamp=stamp, box=box, **more)


async def live(page):
    """A picture of the robot's camera that the node has too: the first ones are shown without its answer."""
    await page.hear("status", level="ok")
    return [await page.hear("picture") for _ in range(6)][-1]


def test_a_box_drawn_on_a_picture_is_tracked_from_that_very_picture(on_page, make_node):
    make_node()

    async def scene(page):
        picture = await live(page)
        answer = await start(page, picture["stamp"], block_in(picture), label="block")
        assert answer["ok"], answer
        seen = await page.hear_until("picture", lambda said: said["objects"])
        assert seen["objects"][0]["label"] == "block"
        assert seen["objects"][0]["outlines"]
        event = (await page.hear("events"))["events"][-1]
        assert "tracked" in event["text"]
        assert (await page.ask(type="stop", camera="", ids=[answer["ids"][0]]))["ok"]
        await page.hear_until("picture", lambda said: not said["objects"])

    on_page(scene)


def block_in(picture):
    """Where the block is in a picture: its red pixels."""
    import cv2
    import numpy as np

    frame = cv2.imdecode(np.frombuffer(picture["jpeg"], np.uint8), cv2.IMREAD_COLOR).astype(int)
    rows, columns = np.nonzero((frame[..., 2] > 180) & (frame[..., 1] < 90))
    return [float(columns.mean()) + 0.5, float(rows.mean()) + 0.5, 40.0, 30.0, 0.0]


def test_the_nodes_reason_for_a_refusal_comes_back(on_page, make_node):
    make_node()

    async def scene(page):
        picture = await live(page)
        answer = await start(page, picture["stamp"], [5000, 75, 40, 30, 0.0])
        assert not answer["ok"]
        assert "outside" in answer["message"]
        assert not answer["late"]

    on_page(scene)


def test_a_picture_that_the_node_no_longer_keeps_is_called_late(on_page, make_node):
    make_node()

    async def scene(page):
        await live(page)
        answer = await start(page, "1000000000")
        assert not answer["ok"]
        assert answer["late"], answer

    on_page(scene)


def test_to_stop_none_stops_none(on_page, make_node):
    make_node()

    async def scene(page):
        picture = await live(page)
        await start(page, picture["stamp"], block_in(picture))
        assert "nothing" in (await page.ask(type="stop", camera="", ids=[]))["message"]
        await page.hear_until("picture", lambda said: said["objects"])
        assert (await page.ask(type="stop", camera="", ids=None))["ids"] == ["1"]

    on_page(scene)


def test_without_a_node_the_page_says_so_and_finds_one_that_comes(on_page, make_node):
    async def scene(page):
        missing = await page.hear("status", short="no node")
        assert "/tracker is not there" in missing["title"]
        assert missing["command"].startswith("ros2 launch")
        make_node()
        await live(page)

    on_page(scene)


def test_a_node_that_is_not_active_is_named_with_the_remedy(on_page, make_node):
    make_node(autostart=False)

    async def scene(page):
        inactive = await page.hear("status", short="not active")
        assert inactive["command"] == "ros2 lifecycle set /tracker configure"

    on_page(scene)


def test_a_node_that_goes_away_and_comes_back_is_found_again(on_page, make_node, world):
    node = make_node()

    async def scene(page):
        await live(page)
        world.executor.remove_node(node)
        world.nodes.remove(node)
        node.destroy_node()
        await page.hear("status", short="no node")
        make_node()
        picture = await live(page)
        assert (await start(page, picture["stamp"], block_in(picture)))["ok"]

    on_page(scene)


def test_each_camera_of_a_node_has_pictures_of_its_own(on_page, make_node, world, scene, colours):
    make_node(cameras=["front", "rear"])
    cameras = {name: world.camera(f"{name}/image") for name in ("front", "rear")}
    frame = scene((50, 60, 40, 30, colours[0]))
    world.robot.create_timer(0.05, lambda: [camera.show(frame) for camera in cameras.values()])

    async def look(page):
        await page.hear_until("hello", lambda said: said["cameras"] == ["front", "rear"])
        shown = {(await page.hear("picture"))["camera"] for _ in range(20)}
        assert shown == {"front", "rear"}

    on_page(look, "front", "rear")


def test_a_camera_that_falls_silent_is_named(on_page, make_node, robot):
    make_node()

    async def scene(page):
        await live(page)
        robot.is_showing = False
        silent = await page.hear("status", short="silent")
        assert "No image for" in silent["title"]
        robot.is_showing = True
        await page.hear("status", level="ok")

    on_page(scene)


def test_images_are_heard_only_while_somebody_looks(world, robot, run, serving, opened, make_node):
    make_node()

    async def scene():
        async with beside(world, serving, opened) as page:
            await page.hear("status", level="ok")
            assert page_subscribers(world) == 1  # the tracker alone
            await page.watch()
            await live(page)
            assert page_subscribers(world) == 2

    run(scene())


def page_subscribers(world):
    return world.robot.count_subscribers("/image")


def test_figures_come_for_the_charts(on_page, make_node):
    make_node(report_period=0.1)

    async def scene(page):
        await live(page)
        figures = await page.hear_until("figures", lambda said: said["points"][-1][1])
        assert figures["names"] == ["rate", "p50", "p95", "dropped"]
        assert figures["points"][-1][1] > 0

    on_page(scene)


def test_a_page_whose_images_the_node_does_not_answer_says_so(on_page, make_node):
    make_node(max_age=1e-6)  # to it, each image is too old

    async def scene(page):
        waiting = await page.hear("status", short="no answer")
        assert "has not answered an image yet" in waiting["title"]
        assert (await page.hear("picture"))["objects"] == []

    on_page(scene)


def test_what_runs_is_named(on_page, make_node):
    make_node(weights="/somewhere/best.safetensors")

    async def scene(page):
        wanted = {"Device", "Precision"}  # of the diagnostics, and of the parameters
        about = (await page.hear_until("about", lambda said: wanted <= said["about"].keys()))["about"]
        assert (about["Node"], about["Images"]) == ("/tracker", "/image")
        assert (about["Weights"], about["Runtime"]) == ("best.safetensors", "eager")

    on_page(scene)
