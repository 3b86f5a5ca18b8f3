"""Lost and found, as clients hear of it."""

import pytest
from rcl_interfaces.msg import Log

from s2iammask.msg import TrackedObject, TrackedObjectArray, TrackEvent


@pytest.fixture
def watched(world, tracking):
    _, camera = tracking()
    events = world.listen(TrackEvent, "tracker/events", latched=True)
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    world.spin_until(lambda: events)

    def show_until(frame, done):
        world.spin_until(done, lambda: camera.show(frame))

    return events, tracks, show_until


def test_an_object_that_vanishes_and_comes_back_elsewhere_is_lost_and_found(watched, scene, colours):
    events, tracks, show_until = watched
    look_alike = (30, 180, 60, 40, colours[1])  # of another colour, which the network must not take
    show_until(scene((100, 80, 60, 40, colours[0])), lambda: tracks and tracks[-1].objects)

    show_until(scene(look_alike), lambda: events[-1].to_state == TrackEvent.LOST)
    assert events[-1].reason == TrackEvent.CONFIDENCE_FELL
    assert events[-1].id == "red"

    back = scene(look_alike, (230, 160, 60, 40, colours[0]))
    show_until(back, lambda: events[-1].reason == TrackEvent.FOUND_BY_SEARCH)
    show_until(back, lambda: abs(tracks[-1].objects[0].box.center.position.x - 260) < 6)
    assert tracks[-1].objects[0].state == TrackedObject.TRACKING


def test_an_object_that_goes_over_the_edge_has_left_the_image(watched, scene, colours):
    events, tracks, show_until = watched
    for x in range(100, -60, -8):
        count = len(tracks)
        show_until(scene((x, 80, 60, 40, colours[0])), lambda count=count: len(tracks) > count)

    show_until(scene(), lambda: events[-1].to_state == TrackEvent.LOST)

    assert events[-1].reason == TrackEvent.LEFT_IMAGE


def test_an_event_tells_the_same_in_words_and_has_the_header_of_its_image(watched, scene):
    events, tracks, show_until = watched

    show_until(scene(), lambda: events[-1].to_state == TrackEvent.LOST)

    assert events[-1].text.startswith("red is lost")
    assert events[-1].label == "a red thing"
    assert events[-1].header.frame_id == "camera_optical"
    show_until(scene(), lambda: events[-1].header.stamp in [array.header.stamp for array in tracks])


def test_starts_losses_and_stops_are_logged(world, watched, scene):
    events, _, show_until = watched
    log = world.listen(Log, "/rosout", latched=True)

    show_until(scene(), lambda: events[-1].to_state == TrackEvent.LOST)
    world.stop("red")

    world.spin_until(lambda: any("red is stopped" in each.msg for each in log))
    said = [each.msg for each in log if each.name == "tracker"]
    assert [any(text in each for each in said) for text in ("red is tracked", "red is lost")] == [True, True]
