"""The window without a window: what the mouse does, and what is asked."""

import cv2
import pytest

from s2iammask_core import Box
from s2iammask_ros.tools import select_target
from s2iammask_ros.tools.select_target import Drag, Selector


@pytest.fixture
def selector(world):
    return world.add(Selector(context=world.context))


def drag(selector, *points):
    (first, *between, last) = points
    selector.on_mouse(cv2.EVENT_LBUTTONDOWN, *first, 0, None)
    for point in between:
        selector.on_mouse(cv2.EVENT_MOUSEMOVE, *point, 0, None)
    selector.on_mouse(cv2.EVENT_LBUTTONUP, *last, 0, None)


@pytest.mark.parametrize(("begin", "end"), [((10, 20), (49, 59)), ((49, 59), (10, 20)), ((49, 20), (10, 59))])
def test_a_box_can_be_dragged_in_any_direction(begin, end):
    assert Drag(begin, end).box == Box(10, 20, 50, 60)


def test_the_image_stands_still_while_a_box_is_drawn(world, selector, scene):
    camera = world.camera()
    world.spin_until(lambda: selector.image is not None, lambda: camera.show(scene()))

    selector.on_mouse(cv2.EVENT_LBUTTONDOWN, 10, 10, 0, None)
    shown = selector.image
    for _ in range(5):
        camera.show(scene())
        world.spin_for(0.02)

    assert selector.image is shown
    assert selector.picture().shape == (240, 320, 3)


def test_a_drawn_box_is_tracked_from_the_image_it_was_drawn_on(world, make_node, selector, scene, colours):
    node = make_node(history_seconds=30.0)
    camera = world.camera()
    frame = scene((100, 80, 60, 40, colours[0]))
    world.spin_until(
        lambda: node.counts().received and selector.image is not None, lambda: camera.show(frame)
    )
    world.spin_for(0.1)

    drag(selector, (100, 80), (120, 90), (159, 119))
    world.spin_until(lambda: node.pipeline.cameras[""].targets.known)

    world.spin_until(lambda: "1 of 1" in selector.message)


def test_a_slip_of_the_mouse_asks_nothing(selector, monkeypatch):
    monkeypatch.setattr(selector, "start", lambda box: pytest.fail("asked"))
    drag(selector, (50, 50), (51, 51))


def test_before_the_first_image_the_window_says_what_it_waits_for(selector):
    assert selector.picture().shape == (240, 480, 3)


def test_without_a_tracker_the_window_says_so(world, selector, scene):
    camera = world.camera()
    world.spin_until(lambda: selector.image is not None, lambda: camera.show(scene()))

    drag(selector, (100, 80), (159, 119))

    assert "nobody serves /tracker/start_tracking" in selector.message


@pytest.mark.parametrize(
    ("key", "visible", "goes_on"), [(-1, 1.0, True), (-1, 0.0, False), (ord("q"), 1.0, False)]
)
def test_the_window_can_be_closed_with_a_key_and_with_the_mouse(selector, monkeypatch, key, visible, goes_on):
    monkeypatch.setattr(cv2, "imshow", lambda *given: None)
    monkeypatch.setattr(cv2, "waitKey", lambda *given: key)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *given: visible)

    assert select_target._shown(selector) == goes_on
