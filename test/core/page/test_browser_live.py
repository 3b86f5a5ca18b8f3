"""The page over drawn pictures in a real browser, and what other sites' pages can do there."""

import pytest

pytest.importorskip("playwright")
from demo import browser as chromium

if chromium.CHROMIUM is None:
    pytest.skip(f"there is no browser: {chromium.INSTALL}", allow_module_level=True)

from playwright.sync_api import expect

from s2iammask_core import Tracker
from s2iammask_core.files.clips import open_clip
from s2iammask_core.files.pictures import write_picture
from s2iammask_core.page.backend import Greeting
from s2iammask_core.page.clip.backend import ClipBackend

expect.set_options(timeout=60_000)  # ms; a busy machine takes its time


def test_several_cameras_are_tabs_or_tiles(browser, served, drawn, make_picture):
    drawn.cameras = ["front", "rear"]
    with served(drawn) as url:
        context = browser.new_context(**chromium.DESK)
        page = context.new_page()
        page.goto(url)
        stages, painted = page.locator(".stage:visible"), page.locator(".stage[data-painted='0']:visible")
        for camera in drawn.cameras:
            drawn.hub.show(camera, make_picture())

        expect(painted).to_have_count(1)
        assert drawn.watched[-1] == {"front"}
        page.click(".tab:text('All')")
        expect(painted).to_have_count(2)
        assert drawn.watched[-1] == {"front", "rear"}
        page.click(".tab:text('rear')")
        expect(stages).to_have_count(1)
        context.close()


def test_a_box_stays_when_the_page_learns_more_of_what_it_shows(browser, served, drawn, make_picture):
    with served(drawn) as url:
        context = browser.new_context(**chromium.DESK)
        page = context.new_page()
        page.goto(url)
        drawn.hub.show("", make_picture())
        expect(page.locator(".stage")).to_have_attribute("data-painted", "0")
        page.keyboard.press("b")
        drawn.hub.tell("hello", **Greeting("live", "drawn", [""], 64.0, keeps=90.0).record())

        expect(page.locator(".badge")).to_contain_text("kept for")
        expect(page.locator("#track")).to_be_visible()
        context.close()


def test_with_a_token_the_address_is_needed_once(browser, served, tmp_path, scene, colours, network):
    write_picture(tmp_path / "0.png", scene((50, 60, 40, 30, colours[0])))
    token = "a token that nobody guesses"
    with served(ClipBackend(open_clip(str(tmp_path)), Tracker.of(network), {}), token) as url:
        context = browser.new_context(**chromium.DESK)
        page = context.new_page()
        assert page.goto(url).status == 401
        page.goto(f"{url}?token={token.replace(' ', '%20')}")
        expect(page.locator("#pill")).to_have_text("paused")
        assert page.url == url
        context.close()


SEND = """([url, wish]) => new Promise((done) => {
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(wish);
  socket.onmessage = ({ data }) => data.includes('"answer"') && done("answered");
  socket.onclose = () => done("refused");
})"""
READ = "(url) => fetch(url, { mode: 'no-cors' }).then(() => 'read', () => 'refused')"


@pytest.mark.parametrize("origin", ["http://stranger.example/", "http://127.0.0.1:4321/", None])
def test_a_strangers_page_in_the_same_browser_reaches_nothing(browser, served, drawn, origin):
    with served(drawn) as url:
        context = browser.new_context()
        page = context.new_page()
        page.goto(url)  # the stranger comes to a browser that knows the page
        page.route("http://*/strange", lambda route: route.fulfill(body="<p>", content_type="text/html"))
        page.goto(f"{origin}strange" if origin else url)
        wish = '{"type": "stop", "request": 1, "camera": "", "ids": null}'
        found = (
            page.evaluate(SEND, [url.replace("http", "ws") + "ws", wish]),
            page.evaluate(READ, url + "main.js"),
        )
        context.close()

        assert found == (("refused", "refused") if origin else ("answered", "read"))
        assert bool(drawn.asked) == (origin is None)
