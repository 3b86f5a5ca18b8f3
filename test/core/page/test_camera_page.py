"""The page over a camera of this machine, as a browser sees it through the WebSocket."""

import argparse
import queue

import cv2
import numpy as np
import pytest

from s2iammask_core import Tracker
from s2iammask_core.cli import page as command
from s2iammask_core.errors import VideoError
from s2iammask_core.files.clips import open_clip
from s2iammask_core.page.live.backend import CameraBackend
from s2iammask_core.page.live.recent import Moment, NoLongerKeptError, Recent, thinned

BOX = [70, 75, 40, 30, 0.0]  # of the red block in frame 0
GONE = None


class Capture:
    """Stands for OpenCV's: gives the pictures that the test hands over, and nothing more after GONE."""

    def __init__(self, camera):
        self.camera = camera

    def isOpened(self):  # noqa: N802  # OpenCV's name
        return self.camera.is_there

    def get(self, _):
        return 30.0

    def read(self):
        frame = self.camera.pictures.get(timeout=30)
        if frame is GONE:
            return False, None
        return True, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)

    def release(self):
        pass


class Camera:
    def __init__(self, draw):
        self.draw, self.pictures, self.is_there = draw, queue.Queue(), True

    def show(self, number):
        self.pictures.put(self.draw(number))

    def show_all(self, numbers):
        for number in numbers:
            self.show(number)

    def end(self):
        self.is_there = False
        self.pictures.put(GONE)


@pytest.fixture
def camera(monkeypatch, scene, colours):
    """A red block moves six pixels a frame to the right."""
    found = Camera(lambda number: scene((50 + 6 * number, 60, 40, 30, colours[0])))
    monkeypatch.setattr(cv2, "VideoCapture", lambda source: Capture(found))
    yield found
    found.end()


@pytest.fixture
def scene_on(run, serving, opened, camera, network):
    """Runs a scene with a page that looks at the camera."""

    def play(scene):
        backend = CameraBackend(open_clip("0"), Tracker.of(network), {"Weights": "drawn"})

        async def whole():
            async with serving(backend) as client, opened(client) as page:
                await page.watch()
                await scene(page)
                camera.end()

        run(whole())

    return play


async def picture_of(page, camera, number):
    camera.show(number)
    return await page.hear("picture")


def start(page, picture, box=BOX, **more):
    return page.ask(type="start", camera="", stamp=picture["stamp"], box=box, **more)


def test_the_page_says_what_it_shows(scene_on, camera):
    async def scene(page):
        hello = await page.hear("hello")
        assert (hello["mode"], hello["title"], hello["cameras"]) == ("live", "camera 0", [""])
        assert hello["keeps"] == 10
        assert (await page.hear("status"))["title"] == "Opening camera 0"
        picture = await picture_of(page, camera, 0)
        assert (picture["width"], picture["height"], picture["objects"]) == (320, 240, [])
        assert (await page.hear("status", level="ok"))["short"].endswith("/s")
        assert (await page.hear("figures"))["names"] == ["rate", "p50", "p95", "dropped"]

    scene_on(scene)


def test_a_box_is_tracked_from_the_picture_in_which_it_was_drawn_to_now(scene_on, camera):
    async def scene(page):
        drawn_on = await picture_of(page, camera, 0)
        for number in range(1, 6):
            await picture_of(page, camera, number)
        answer = await start(page, drawn_on, label="block")
        assert answer["ok"], answer
        (target,) = (await picture_of(page, camera, 6))["objects"]
        assert (target["id"], target["label"], target["state"]) == ("1", "block", "tracking")
        assert target["box"][0] == pytest.approx(70 + 6 * 6, abs=3)
        assert target["outlines"]
        said = await page.hear_until("events", lambda events: events["events"])
        assert [each["text"] for each in said["events"]] == ["block starts"]

    scene_on(scene)


def test_two_targets_and_a_stop(scene_on, camera):
    async def scene(page):
        picture = await picture_of(page, camera, 0)
        assert (await start(page, picture))["ids"] == ["1"]
        assert (await start(page, picture, label="again"))["ids"] == ["2"]
        assert len((await picture_of(page, camera, 1))["objects"]) == 2
        assert (await page.ask(type="stop", camera="", ids=["1"]))["ids"] == ["1"]
        assert [each["label"] for each in (await picture_of(page, camera, 2))["objects"]] == ["again"]
        assert (await page.ask(type="stop", camera="", ids=None))["ids"] == ["2"]
        assert (await picture_of(page, camera, 3))["objects"] == []

    scene_on(scene)


def test_refusals_say_why_and_change_nothing(scene_on, camera):
    async def scene(page):
        picture = await picture_of(page, camera, 0)
        await start(page, picture)
        late = await page.ask(type="start", camera="", stamp="12", box=BOX)
        assert (late["ok"], late["late"]) == (False, True)
        assert "not kept" in late["message"]
        for answer, reason in (
            (await start(page, picture, [5000, 75, 40, 30, 0.0]), "outside"),
            (await page.ask(type="stop", camera="", ids=["1", "9"]), "no target '9'"),
            (await page.ask(type="transport", action="play"), "neither be moved through"),
            (await page.ask(type="download", what="boxes"), "nor downloaded"),
        ):
            assert not answer["ok"]
            assert reason in answer["message"]
        assert [each["id"] for each in (await picture_of(page, camera, 1))["objects"]] == ["1"]

    scene_on(scene)


def test_a_camera_that_is_unplugged_is_said_and_found_again(scene_on, camera, monkeypatch):
    monkeypatch.setattr("s2iammask_core.page.live.stream.AGAIN", 0.05)

    async def scene(page):
        await start(page, await picture_of(page, camera, 0))
        camera.end()
        await page.hear_until("status", lambda said: "cannot open camera 0" in said["title"])
        camera.is_there = True
        assert len((await picture_of(page, camera, 1))["objects"]) == 1
        await page.hear("status", level="ok")

    scene_on(scene)


def test_pictures_of_another_size_end_the_targets(scene_on, camera):
    async def scene(page):
        await start(page, await picture_of(page, camera, 0))
        camera.pictures.put(camera.draw(1)[:200])
        assert (await page.hear("picture"))["objects"] == []
        said = await page.hear_until("events", lambda events: len(events["events"]) == 3)
        assert "stopped" in said["events"][1]["text"]
        assert "frame has (200, 320)" in said["events"][2]["text"]

    scene_on(scene)


def moments(count, size=10):
    frame = np.zeros((size, size, 3), np.uint8)
    return [Moment(number, frame) for number in range(count)]


def test_what_is_kept_is_bounded_in_time_and_memory():
    by_time, by_size = Recent(seconds=3e-9), Recent(megabytes=0.0006)
    for moment in moments(10):
        by_time.add(moment)
        by_size.add(moment)

    assert [each.stamp for each in by_time.since(6)] == [6, 7, 8, 9]
    assert [each.stamp for each in by_size.since(8)] == [8, 9]
    for recent, stamp in ((by_time, 5), (by_size, 7), (by_time, 10)):
        with pytest.raises(NoLongerKeptError, match="not kept"):
            recent.since(stamp)


def test_frames_are_thinned_evenly_and_the_last_one_stays():
    assert [each.stamp for each in thinned(moments(10), 4)] == [0, 3, 6, 9]
    assert [each.stamp for each in thinned(moments(3), 4)] == [0, 1, 2]
    assert thinned([], 4) == []


def test_the_command_takes_a_camera_by_its_number(monkeypatch, camera, network):
    served = []
    monkeypatch.setattr(command, "load_tracker", lambda *_, **__: Tracker.of(network))
    monkeypatch.setattr("s2iammask_core.page.server.serve", lambda server, *_: serve(server, served))

    async def serve(server, served):
        served.append(server._backend)

    parser = argparse.ArgumentParser()
    command.add_arguments(parser)

    assert command.run(parser.parse_args(["0"])) == 0
    assert isinstance(served[0], CameraBackend)
    assert served[0].greeting.title == "camera 0"


def test_a_camera_that_is_not_there_is_named(camera):
    camera.is_there = False
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)

    with pytest.raises(VideoError, match="cannot open camera 0"):
        command.run(parser.parse_args(["0"]))
