"""The pictures of README and docs/page.md, of the demo's processes in a real browser: make screenshots."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from demo.browser import DESK, PHONE, drag, open_browser, picture_of
from demo.run import ROOT, end, environment, module
from s2iammask_core.clip import shots
from s2iammask_core.files.video_writer import video_writer

DOCS = ROOT / "docs"
SIZE = (424, 640)  # of the demo's clip
LONG = 120_000  # ms until a network is loaded
LOOK_ON = 20_000  # ms of tracking before a picture is taken


def main() -> int:
    os.environ.update({name: value for name, value in environment().items() if name not in os.environ})
    with open_browser() as browser:
        with live_page() as address:
            live_pictures(browser, address)
        with TemporaryDirectory() as folder, clip_page(Path(folder)) as address:
            clip_picture(browser, address)
    return 0


@contextmanager
def served(line: list[str]) -> Iterator[str]:
    """The address that a process prints, while it runs."""
    process = subprocess.Popen(line, env=environment(), cwd=ROOT, text=True, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        end([process])


@contextmanager
def live_page() -> Iterator[str]:
    with served([*module("demo.run"), "--page", "--port", "0"]) as address:
        yield address


@contextmanager
def clip_page(folder: Path) -> Iterator[str]:
    path = folder / "coffee.mp4"
    with video_writer(path, 25.0) as writer:
        for shot in shots():
            writer.write(shot.frame)
    with served([*module("s2iammask_core"), "page", str(path), "--port", "0"]) as address:
        yield address


def live_pictures(browser: Browser, address: str) -> None:
    page = opened(browser, address, DESK, "light")
    page.keyboard.press("Space")
    page.fill("#label", "cup")
    around_the_cup(page)
    expect(page.locator("#targets li")).to_have_count(1, timeout=LONG)
    page.wait_for_timeout(LOOK_ON)
    shoot(page, "page.jpg")
    phone = opened(browser, address, PHONE, "dark")
    phone.wait_for_timeout(3000)
    shoot(phone, "page_phone.jpg")


def clip_picture(browser: Browser, address: str) -> None:
    page = opened(browser, address, DESK, "dark")
    page.fill("#label", "cup")
    around_the_cup(page)
    expect(page.locator("#targets li")).to_have_count(1, timeout=LONG)
    page.click(".track-on")
    expect(page.locator("#pill")).not_to_have_text("paused")  # it is until the tracking has begun
    expect(page.locator("#pill")).to_have_text("paused", timeout=LONG)
    page.locator(".lanes").click(position={"x": 500, "y": 5})
    page.wait_for_timeout(1000)
    shoot(page, "page_clip.jpg")


def opened(browser: Browser, address: str, device: dict, theme: str) -> Page:
    page = browser.new_context(**device, color_scheme=theme).new_page()
    page.goto(address)
    expect(page.locator(".stage")).not_to_have_attribute("data-painted", "", timeout=LONG)
    expect(page.locator(".notice")).to_be_hidden(timeout=LONG)
    return page


def around_the_cup(page: Page) -> None:
    """Draws a box around the object in the frame that is shown."""
    shown = picture_of(page, SIZE).astype(int)
    rows, columns = np.nonzero(min(shots(), key=lambda shot: distance(shown, shot.frame)).mask)
    drag(page, SIZE, (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1))


def distance(one: NDArray, other: NDArray) -> float:
    return float(np.abs(one - other).mean())


def shoot(page: Page, name: str) -> None:
    picture = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(DOCS / name), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    sys.exit(main())
