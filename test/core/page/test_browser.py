"""The page over a clip in a real browser."""

import re

import numpy as np
import pytest

pytest.importorskip("playwright")
from demo import browser as chromium

if chromium.CHROMIUM is None:
    pytest.skip(f"there is no browser: {chromium.INSTALL}", allow_module_level=True)

from playwright.sync_api import expect

from s2iammask_core import Tracker
from s2iammask_core.files.clips import open_clip
from s2iammask_core.files.pictures import write_picture
from s2iammask_core.page.clip.backend import ClipBackend

expect.set_options(timeout=60_000)  # ms; a busy machine tracks slowly

COUNT, SIZE = 20, (240, 320)
LOOK = '{"opacity": 1, "boxes": false, "names": false}'


@pytest.fixture
def address(served, tmp_path, scene, colours, network):
    """Of the page over a clip in which a red block moves six pixels a frame to the right."""
    for number in range(COUNT):
        write_picture(tmp_path / f"{number:03d}.png", scene((50 + 6 * number, 60, 40, 30, colours[0])))
    with served(ClipBackend(open_clip(str(tmp_path)), Tracker.of(network), {})) as url:
        yield url


@pytest.fixture
def page(browser, address):
    """A page that has its first picture; an error of its code fails the test."""
    yield from opened(browser, address, chromium.DESK)


@pytest.fixture
def phone(browser, address):
    yield from opened(browser, address, chromium.PHONE)


def opened(browser, address, device):
    context, errors = browser.new_context(**device), []
    context.add_init_script(f"localStorage.setItem('s2iammask.look', '{LOOK}')")
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(error))
    page.on("console", lambda said: said.type == "error" and errors.append(said.text))
    page.goto(address)
    expect(page.locator("#pill")).to_have_text("paused")
    expect(page.locator(".stage")).to_have_attribute("data-painted", "0")
    yield page
    context.close()
    assert errors == []


def painted(page):
    """(H, W): where the mask of the first target is painted."""
    picture = chromium.picture_of(page, SIZE).astype(int)
    return abs(picture - (255, 79, 163)).max(axis=2) < 40


def block(number):
    mask = np.zeros(SIZE, np.bool_)
    mask[60:90, 50 + 6 * number : 90 + 6 * number] = True
    return mask


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def draw(page, number=0, move=chromium.drag):
    move(page, SIZE, (50 + 6 * number, 60), (90 + 6 * number, 90))
    expect(page.locator("#targets li")).to_have_count(1)


def wait_for_frame(page, number):
    expect(page.locator(".time")).to_have_text(re.compile(rf"^{number} /"))
    expect(page.locator(".stage")).to_have_attribute("data-painted", str(round(number / 25 * 1e9)))


def test_a_drawn_box_becomes_a_target_whose_mask_lies_on_the_object(page):
    draw(page)
    page.keyboard.press("t")
    wait_for_frame(page, COUNT - 1)

    expect(page.locator(".state")).to_contain_text("tracked")
    assert overlap(painted(page), block(COUNT - 1)) > 0.85


def test_one_can_go_back_and_sees_what_was_tracked_there(page):
    draw(page)
    page.keyboard.press("t")
    wait_for_frame(page, COUNT - 1)
    page.keyboard.press("Home")
    wait_for_frame(page, 0)
    for number in range(1, 4):
        page.keyboard.press(".")
        wait_for_frame(page, number)

    assert overlap(painted(page), block(3)) > 0.85


def test_a_click_on_a_lane_moves_the_slider_there_too(page):
    draw(page)
    page.keyboard.press("t")
    wait_for_frame(page, COUNT - 1)
    page.locator(".lanes").click(position={"x": 2, "y": 5})
    wait_for_frame(page, 0)

    expect(page.locator(".rail input")).to_have_value("0")


def test_a_box_can_be_turned_and_resized_before_it_is_tracked(page):
    page.click("text=Adjust first")
    chromium.drag(page, SIZE, (60, 65), (80, 80))
    expect(page.locator("#track")).to_be_visible()
    assert page.locator("#targets li").count() == 0
    edge = page.locator(".draft .edge")
    straight = edge.get_attribute("points")
    page.keyboard.press("]")
    page.keyboard.press("Shift+ArrowRight")
    assert edge.get_attribute("points") != straight
    grip = page.locator("[data-grip=turn]").bounding_box()
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 10)
    page.mouse.up()
    turned = [tuple(map(float, point.split(","))) for point in edge.get_attribute("points").split()]
    assert turned[0][1] != pytest.approx(turned[1][1], abs=2)
    page.fill("#label", "block")
    page.click("#track")

    expect(page.locator("#targets .name")).to_have_text("block")


def test_a_click_takes_a_box_of_the_click_size_and_a_refusal_is_said_in_place(page):
    page.mouse.click(*chromium.on_screen(page, SIZE, (70, 75)))
    expect(page.locator("#targets li")).to_have_count(1)
    page.keyboard.press("1")
    page.keyboard.press("Delete")
    expect(page.locator("#targets li")).to_have_count(0)
    page.click(".track-on")

    expect(page.locator("#hint")).to_contain_text("draw a box around an object first")


def test_a_chosen_target_that_is_removed_altogether_is_not_corrected_any_more(page):
    draw(page)
    page.keyboard.press("1")
    expect(page.locator("#hint")).to_contain_text("corrects")
    page.keyboard.press("Delete")
    expect(page.locator("#targets li")).to_have_count(0)
    expect(page.locator("#hint")).not_to_contain_text("corrects")
    draw(page)

    expect(page.locator("#targets .name")).to_have_text("#2")


@pytest.mark.parametrize("size", [(320, 568), (844, 390), (390, 844)])
def test_whatever_way_a_phone_is_held_all_is_in_its_place(phone, size):
    draw(phone, move=chromium.touch_drag)
    phone.click(".track-on")
    wait_for_frame(phone, COUNT - 1)
    expect(phone.locator(".plot canvas").first).to_be_visible()
    phone.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    room = "{ clientWidth, scrollWidth }) => scrollWidth - clientWidth"
    for part in ("html", "#timeline", "#charts", "#tools", "#targets"):
        expect(phone.locator(part)).to_be_visible()
        phone.wait_for_function(f"() => (({room})(document.querySelector('{part}')) <= 0")


def test_escape_drops_a_box_and_the_keys_can_draw_one(page):
    page.click("text=Adjust first")
    page.keyboard.press("b")
    expect(page.locator("#track")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#track")).to_be_hidden()
    page.keyboard.press("b")
    page.keyboard.press("Enter")

    expect(page.locator("#targets li")).to_have_count(1)


def test_a_page_that_is_loaded_again_shows_the_same(page):
    draw(page)
    page.keyboard.press("t")
    wait_for_frame(page, COUNT - 1)
    page.reload()

    expect(page.locator("#targets li")).to_have_count(1)
    wait_for_frame(page, COUNT - 1)


def test_a_finger_on_a_phone_draws_too_and_nothing_is_wider_than_the_screen(phone):
    draw(phone, move=chromium.touch_drag)
    phone.click(".track-on")
    wait_for_frame(phone, COUNT - 1)

    assert overlap(painted(phone), block(COUNT - 1)) > 0.85
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
