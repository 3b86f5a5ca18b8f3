"""The page over a clip, as a browser sees it through the WebSocket."""

import csv
import zipfile

import pytest

from s2iammask_core import Tracker
from s2iammask_core.files.clips import open_clip
from s2iammask_core.files.pictures import write_picture
from s2iammask_core.page.clip.backend import ClipBackend
from s2iammask_core.page.clip.footage import Footage
from s2iammask_core.page.clip.previews import Previews

COUNT = 12
BOX = [70, 75, 40, 30, 0.0]  # of the red block in the first frame


@pytest.fixture
def clip(tmp_path, scene, colours):
    """A red block moves six pixels a frame to the right."""
    folder = tmp_path / "blocks"
    folder.mkdir()
    for number in range(COUNT):
        write_picture(folder / f"{number:03d}.png", scene((50 + 6 * number, 60, 40, 30, colours[0])))
    return open_clip(str(folder))


@pytest.fixture
def backend(clip, network):
    return ClipBackend(clip, Tracker.of(network), {"Weights": "drawn"})


def stamp(number, rate=25.0):
    return str(round(number / rate * 1e9))


@pytest.fixture
def scene_on(run, serving, opened, backend):
    """Runs a scene with a page that looks at the clip."""

    def play(scene):
        async def whole():
            async with serving(backend) as client, opened(client) as page:
                await page.watch()
                await scene(page)

        run(whole())

    return play


def start(page, number=0, box=BOX, **more):
    return page.ask(type="start", camera="", stamp=stamp(number), box=box, **more)


def test_the_page_says_what_it_shows_without_a_path(scene_on, clip):
    async def scene(page):
        hello = await page.hear("hello")
        assert (hello["mode"], hello["title"], hello["frame_rate"]) == ("clip", "blocks", 25.0)
        assert "tmp" not in str(hello)
        assert (await page.hear("about"))["about"] == {"Weights": "drawn"}
        assert (await page.hear("picture"))["stamp"] == "0"
        assert (await page.hear("playback"))["count"] == COUNT

    scene_on(scene)


def test_a_box_is_tracked_to_the_end_and_every_frame_can_be_looked_at_again(scene_on):
    async def scene(page):
        answer = await start(page, label="block")
        assert answer["ok"], answer
        assert (await page.ask(type="transport", action="track"))["ok"]
        await page.hear("playback", mode="paused", frame=COUNT - 1)
        for number in (3, 11, 0, 7):
            await page.ask(type="transport", action="seek", frame=number)
            picture = await page.hear("picture", stamp=stamp(number))
            (target,) = picture["objects"]
            assert target["label"] == "block"
            assert target["box"][0] == pytest.approx(70 + 6 * number, abs=3)
            assert target["outlines"]

    scene_on(scene)


def test_playing_tracks_what_a_target_wants_and_stops_at_the_end(scene_on):
    async def scene(page):
        await start(page, 4, [94, 75, 40, 30, 0.0])
        await page.ask(type="transport", action="play")
        await page.hear("playback", mode="paused", frame=COUNT - 1)
        await page.hear_until("lanes", lambda said: said["lanes"][0]["runs"] == [[4, COUNT, "tracking"]])

    scene_on(scene)


def test_a_step_tracks_one_frame(scene_on):
    async def scene(page):
        await start(page)
        await page.ask(type="transport", action="step")
        picture = await page.hear("picture", stamp=stamp(1))
        assert len(picture["objects"]) == 1
        await page.hear("playback", mode="paused", frame=1)

    scene_on(scene)


def test_a_start_goes_on_in_the_frame_that_the_box_was_drawn_on(scene_on):
    async def scene(page):
        await page.ask(type="transport", action="seek", frame=9)
        await start(page, 5, [100, 75, 40, 30, 0.0])
        await page.hear("playback", frame=5)

    scene_on(scene)


def test_a_stop_forgets_the_frames_from_here_on(scene_on):
    async def scene(page):
        await start(page)
        await page.ask(type="transport", action="track")
        await page.hear("playback", mode="paused", frame=COUNT - 1)
        await page.ask(type="transport", action="seek", frame=6)
        answer = await page.ask(type="stop", camera="", ids=["1"])
        assert (answer["ok"], answer["ids"]) == (True, ["1"])
        await page.hear_until("lanes", lambda said: said["lanes"][0]["runs"] == [[0, 6, "tracking"]])

    scene_on(scene)


def test_refusals_say_why(scene_on):
    async def scene(page):
        for answer, reason in (
            (await start(page, box=[5000, 75, 40, 30, 0.0]), "outside"),
            (await start(page, 400), "no frame 400"),
            (await start(page, id="9"), "no target '9'"),
            (await page.ask(type="stop", camera="", ids=["9"]), "no target '9'"),
            (await page.ask(type="transport", action="track"), "draw a box"),
        ):
            assert not answer["ok"]
            assert reason in answer["message"]

    scene_on(scene)


def test_the_result_can_be_downloaded(run, serving, opened, backend, tmp_path):
    async def scene():
        async with serving(backend) as client, opened(client) as page:
            assert "nothing" in (await page.ask(type="download", what="boxes"))["message"]
            await start(page)
            await page.ask(type="transport", action="track")
            await page.hear("playback", mode="paused", frame=COUNT - 1)
            files = {}
            for what in ("overlay", "masks", "boxes"):
                answer = await page.ask(type="download", what=what)
                assert answer["ok"], answer
                reply = await client.get(f"/files/{answer['file']}")
                assert "attachment" in reply.headers["Content-Disposition"]
                files[what] = tmp_path / answer["file"]
                files[what].write_bytes(await reply.read())
        assert open_clip(str(files["overlay"])).count == COUNT
        rows = list(csv.DictReader(files["boxes"].open()))
        assert [row["frame"] for row in rows] == [str(number) for number in range(COUNT)]
        assert len(zipfile.ZipFile(files["masks"]).namelist()) == COUNT

    run(scene())


def test_two_pages_see_the_same(run, serving, opened, backend):
    async def scene():
        async with serving(backend) as client, opened(client) as one, opened(client) as other:
            await one.watch()
            await other.watch()
            await start(one, label="block")
            picture = await other.hear_until("picture", lambda said: said["objects"])
            assert picture["objects"][0]["label"] == "block"

    run(scene())


def test_frames_are_the_same_whichever_way_one_moves(clip):
    frames, footage = list(clip), Footage(clip)

    for number in (7, 2, 3, 11, 0, 11):
        assert (footage.frame(number) == frames[number]).all()
    assert footage.frame(COUNT) is None
    assert (footage.frame(5) == frames[5]).all()


def test_previews_are_there_for_every_frame(clip):
    previews = Previews(clip)
    previews.start()
    previews.join()

    jpeg, size = previews.get(COUNT - 1)
    assert (jpeg[:2], size) == (b"\xff\xd8", (240, 320))
    assert previews.get(COUNT) is None
    assert (previews.read, previews.finished, previews.failure) == (COUNT, True, "")
    previews.stop()
