"""Images that change their size or shape while objects are tracked."""

import pytest
import torch

from s2iammask.msg import TrackedObject, TrackedObjectArray, TrackEvent
from s2iammask_ros.messages.stamps import time_message


def reasons_of(events):
    return [event.reason for event in events]


def test_targets_are_taken_over_into_another_resolution(world, tracking, scene, colours):
    _, camera = tracking()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    events = world.listen(TrackEvent, "tracker/events", latched=True)
    twice = scene((200, 160, 120, 80, colours[0]), height=480, width=640)

    world.spin_until(lambda: tracks and tracks[-1].width == 640, lambda: camera.show(twice))

    (found,) = tracks[-1].objects
    assert found.id == "red"
    assert (found.box.center.position.x, found.box.size_x) == pytest.approx((260, 120), abs=6)
    world.spin_until(lambda: TrackEvent.IMAGE_SIZE_CHANGED in reasons_of(events))


def test_tracking_starts_in_the_first_image_of_another_resolution(world, tracking, scene, colours, box):
    _, camera = tracking()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    world.spin_until(lambda: tracks, lambda: camera.show(scene()))

    stamp = camera.show(scene((400, 300, 60, 60, colours[1]), height=480, width=640))
    world.spin_until(lambda: tracks[-1].width == 640)
    answer = world.start(boxes=[box(400, 300, 60, 60)], stamp=time_message(stamp))

    assert answer.success, answer.message


def test_an_object_lost_at_once_in_another_resolution_has_a_place_in_it(
    world, tracking, scene, network, monkeypatch
):
    _, camera = tracking()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    monkeypatch.setattr(network, "template", lambda patches, _masks: torch.full((len(patches), 3), -1000.0))

    def is_lost():
        return tracks and tracks[-1].width == 80 and tracks[-1].objects[0].state == TrackedObject.LOST

    world.spin_until(is_lost, lambda: camera.show(scene(height=60, width=80)))

    (found,) = tracks[-1].objects
    assert (found.box.center.position.x, found.box.center.position.y) == pytest.approx((32, 25), abs=8)
    assert found.region.x_offset + found.region.width <= 80


def test_targets_are_stopped_when_the_aspect_changes(world, tracking, scene):
    node, camera = tracking()
    events = world.listen(TrackEvent, "tracker/events", latched=True)

    world.spin_until(
        lambda: events and events[-1].to_state == TrackEvent.NOT_TRACKED,
        lambda: camera.show(scene(height=240, width=240)),
    )

    assert events[-1].reason == TrackEvent.IMAGE_SIZE_CHANGED
    assert not node.pipeline.cameras[""].targets.known
