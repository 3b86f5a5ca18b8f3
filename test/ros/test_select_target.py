"""The window without a window: what the mouse does, and what is asked."""

import cv2
import numpy as np
import pytest
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage

from s2iammask_core import Box, S2iamMaskError
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
    world.spin_until(lambda: selector.shown is not None, lambda: camera.show(scene()))

    selector.on_mouse(cv2.EVENT_LBUTTONDOWN, 10, 10, 0, None)
    shown = selector.shown
    for _ in range(5):
        camera.show(scene())
        world.spin_for(0.02)

    assert selector.shown is shown
    assert selector.picture().shape == (240, 320, 3)


def test_a_drawn_box_is_tracked_from_the_image_it_was_drawn_on(world, make_node, selector, scene, colours):
    node = make_node(history_seconds=30.0)
    camera = world.camera()
    frame = scene((100, 80, 60, 40, colours[0]))
    world.spin_until(
        lambda: node.counts().received and selector.shown is not None, lambda: camera.show(frame)
    )
    world.spin_for(0.1)

    drag(selector, (100, 80), (120, 90), (159, 119))
    world.spin_until(lambda: node.pipeline.cameras[""].targets.known)

    world.spin_until(lambda: "1 of 1" in selector.message)


@pytest.mark.parametrize("encoding", ["mono8", "rle"])
def test_what_is_tracked_is_drawn_on_the_image_that_it_belongs_to(
    world, make_node, selector, scene, colours, encoding
):
    node = make_node(history_seconds=30.0, mask_encoding=encoding)
    camera = world.camera()
    places = iter(range(100, 200, 5))

    def show():
        camera.show(scene((next(places), 80, 60, 40, colours[0])))

    show_first = scene((100, 80, 60, 40, colours[0]))
    world.spin_until(lambda: node.counts().received and selector.shown, lambda: camera.show(show_first))
    drag(selector, (100, 80), (159, 119))

    world.spin_until(lambda: selector.shown.seen, show)

    (seen,) = selector.shown.seen
    left = int(np.flatnonzero(np.all(selector.shown.frame() == colours[0], axis=2).any(axis=0))[0])
    assert seen.box.cx == pytest.approx(left + 30, abs=3)
    drawn = selector.picture() != cv2.cvtColor(selector.shown.frame(), cv2.COLOR_RGB2BGR)
    assert drawn[75:125, left - 5 : left + 65].any()


def test_compressed_images_are_shown_too(world, scene, colours):
    selector = world.add(
        Selector(
            context=world.context, parameter_overrides=[Parameter("image_transport", value="compressed")]
        )
    )
    publisher = world.robot.create_publisher(CompressedImage, "image/compressed", 1)
    frame = scene((100, 80, 60, 40, colours[0]))
    message = CompressedImage(format="png", data=cv2.imencode(".png", frame[..., ::-1])[1].tobytes())

    world.spin_until(lambda: selector.shown is not None, lambda: publisher.publish(message))

    np.testing.assert_array_equal(selector.picture()[:200], frame[:200, :, ::-1])


def test_a_transport_that_does_not_exist_is_refused(world):
    with pytest.raises(S2iamMaskError, match="raw, compressed"):
        Selector(context=world.context, parameter_overrides=[Parameter("image_transport", value="theora")])


def test_a_slip_of_the_mouse_asks_nothing(selector, monkeypatch):
    monkeypatch.setattr(selector, "start", lambda box: pytest.fail("asked"))
    drag(selector, (50, 50), (51, 51))


def test_before_the_first_image_the_window_says_what_it_waits_for(selector):
    assert selector.picture().shape == (240, 480, 3)


def test_without_a_tracker_the_window_says_so(world, selector, scene):
    camera = world.camera()
    world.spin_until(lambda: selector.shown is not None, lambda: camera.show(scene()))

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
