"""A headless Chromium of Debian that looks at the page: for its tests and its screenshots."""

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
INSTALL = "sudo apt install chromium"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DESK = {"viewport": {"width": 1360, "height": 820}}
Spot = tuple[float, float]


@contextmanager
def open_browser() -> Iterator[Browser]:
    """With an empty profile of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def canvas_of(page: Page) -> NDArray[np.uint8]:
    """What is painted in the stage, (H, W, 3) RGB, in the device's pixels."""
    url = page.evaluate("document.querySelector('.stage:not([hidden]) canvas').toDataURL('image/png')")
    data = np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8)
    return np.asarray(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)


def picture_of(page: Page, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The same cut to the picture and brought to its size (H, W)."""
    canvas, (height, width) = canvas_of(page), size
    scale = min(canvas.shape[0] / height, canvas.shape[1] / width)
    h, w = round(height * scale), round(width * scale)
    top, left = (canvas.shape[0] - h) // 2, (canvas.shape[1] - w) // 2
    part = canvas[top : top + h, left : left + w]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def on_screen(page: Page, size: tuple[int, int], spot: Spot) -> Spot:
    """Where a pixel of the picture (H, W) is in the window."""
    place = page.locator(".stage:not([hidden]) .layer").bounding_box()
    assert place is not None
    height, width = size
    scale = min(place["width"] / width, place["height"] / height)
    left = place["x"] + (place["width"] - width * scale) / 2
    top = place["y"] + (place["height"] - height * scale) / 2
    return left + spot[0] * scale, top + spot[1] * scale


def drag(page: Page, size: tuple[int, int], begin: Spot, end: Spot) -> None:
    """Draws a box between two pixels of the picture (H, W) with the mouse."""
    page.mouse.move(*on_screen(page, size, begin))
    page.mouse.down()
    page.mouse.move(*on_screen(page, size, end), steps=5)
    page.mouse.up()


def touch_drag(page: Page, size: tuple[int, int], begin: Spot, end: Spot) -> None:
    """The same with a finger."""
    session = page.context.new_cdp_session(page)
    spots = [on_screen(page, size, spot) for spot in (begin, end)]
    for kind, (x, y) in zip(("touchStart", "touchMove"), spots, strict=True):
        points = [{"x": x, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
