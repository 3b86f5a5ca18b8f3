"""The demo's camera and node, the page beside them, and a real browser: what a person does."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")
pytest.importorskip("skimage", reason="the demo's clip needs scikit-image")
from demo import browser as chromium

if chromium.CHROMIUM is None:
    pytest.skip(f"there is no browser: {chromium.INSTALL}", allow_module_level=True)

from playwright.sync_api import expect

from demo.run import end, environment
from s2iammask_core.clip import shots

expect.set_options(timeout=60_000)  # ms; a busy machine takes long to load a network

ROOT = Path(__file__).resolve().parents[3]
SIZE = (424, 640)
LOOK = '{"opacity": 1, "boxes": false, "names": false}'
PINK = (255, 79, 163)  # of a first target
TRACKER = [
    *("s2iammask_ros.tracker_node", "--ros-args", "-r", "image:=/camera/image_raw", "--log-level", "warn"),
    *("-p", "weights:=s2iammask", "-p", "max_age:=10.0", "-p", "history_seconds:=30.0"),
]
CAMERA = ["demo.camera", "--rate", "5", "--loop"]
PAGE = ["s2iammask_ros.page.page", "--ros-args", "-p", "port:=0"]

pytestmark = pytest.mark.slow


@contextmanager
def running(words, env, **options):
    process = subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=env, text=True, **options)
    try:
        yield process
    finally:
        end([process])


@pytest.fixture(scope="module")
def env():
    return environment() | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}


@pytest.fixture(scope="module")
def address(env):
    """Of a page beside a camera, and no node yet."""
    with running(CAMERA, env), running(PAGE, env, stdout=subprocess.PIPE) as page:
        yield page.stdout.readline().split()[-1]


@pytest.fixture(scope="module")
def browser():
    with chromium.open_browser() as opened:
        yield opened


@pytest.fixture
def open_page(browser, address):
    """Opens pages; an error of their code fails the test."""
    contexts, errors = [], []

    def make(device=chromium.DESK):
        contexts.append(browser.new_context(**device))
        contexts[-1].add_init_script(f"localStorage.setItem('s2iammask.look', '{LOOK}')")
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(address)
        return page

    yield make
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="module")
def truth():
    """Of the composed clip: frames and the object's masks."""
    return list(shots())


def with_opacity(page, opacity):
    """What the picture looks like with masks of that opacity."""
    set_it = "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')) }"
    page.locator("#settings input[type=range]").evaluate(set_it, opacity)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return chromium.picture_of(page, SIZE).astype(int)


def look(page, truth):
    """Of a picture that stands still: the true mask, and where one is painted."""
    page.keyboard.press("Space")
    clean = with_opacity(page, 0)
    shot = min(truth, key=lambda shot: np.abs(clean - shot.frame).mean())
    painted = np.abs(with_opacity(page, 1) - PINK).max(axis=2) < 40
    page.keyboard.press("Space")
    return shot.mask, painted


def draw(page, truth, move=chromium.drag):
    """A box around the object where it is now; what is drawn on stands still from the first touch on."""
    page.keyboard.press("Space")
    clean = with_opacity(page, 0)
    rows, columns = np.nonzero(min(truth, key=lambda shot: np.abs(clean - shot.frame).mean()).mask)
    move(page, SIZE, (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1))


def assert_mask_lies_on_the_object(page, truth):
    mask, painted = look(page, truth)
    assert (mask & painted).sum() / (mask | painted).sum() > 0.8


def wait_until_live(page):
    """Until the node has had what is shown: when it begins to answer, two pictures may be on their way."""
    expect(page.locator(".notice")).to_be_hidden()
    stage = page.locator(".stage")
    for _ in range(3):
        expect(stage).not_to_have_attribute("data-painted", stage.get_attribute("data-painted"))


def test_a_day_with_the_page(open_page, env, truth):
    page = open_page()
    expect(page.locator(".notice strong")).to_contain_text("The tracker node /tracker is not there")
    expect(page.locator(".command")).to_contain_text("ros2 launch s2iammask")

    with running(TRACKER, env):
        wait_until_live(page)
        draw(page, truth)
        expect(page.locator("#targets li")).to_have_count(1)
        expect(page.locator(".state")).to_contain_text("tracked")
        assert_mask_lies_on_the_object(page, truth)

        page.reload()
        expect(page.locator("#targets li")).to_have_count(1)

        phone = open_page(chromium.PHONE)
        expect(phone.locator("#targets li")).to_have_count(1)
        phone.locator(".stop").tap()
        for each in (phone, page):
            expect(each.locator("#targets li")).to_have_count(0)
        draw(phone, truth, chromium.touch_drag)
        for each in (phone, page):
            expect(each.locator("#targets li")).to_have_count(1)
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")

    expect(page.locator(".notice strong")).to_contain_text("is not there")
    with running(TRACKER, env):
        wait_until_live(page)
        draw(page, truth)
        expect(page.locator("#targets li")).to_have_count(1)
