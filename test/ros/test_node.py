"""The whole node: images in, tracks out."""

import numpy as np
import pytest
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from s2iammask.msg import TrackedObject, TrackedObjectArray, TrackEvent
from s2iammask_core.overlay import colour_of
from s2iammask_ros.messages.stamps import nanoseconds, time_message


def stamp_of(message):
    return nanoseconds(message.header.stamp)


def test_each_image_after_the_start_gives_tracks_with_its_own_header(world, tracking, scene, colours):
    _, camera = tracking()
    heard = world.listen(TrackedObjectArray, "tracker/tracks")
    moved = scene((106, 83, 60, 40, colours[0]))

    stamps = []
    world.spin_until(
        lambda: heard and stamp_of(heard[-1]) in stamps, lambda: stamps.append(camera.show(moved))
    )

    array = heard[-1]
    assert array.header.frame_id == "camera_optical"
    (found,) = array.objects
    assert (found.id, found.label, found.state) == ("red", "a red thing", TrackedObject.TRACKING)
    assert (found.box.center.position.x, found.box.center.position.y) == pytest.approx((136, 103), abs=2)


def test_all_outputs_of_an_image_have_its_stamp(world, tracking, scene, colours):
    _, camera = tracking()
    frame = scene((100, 80, 60, 40, colours[0]))
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    masks, overlays = world.listen(Image, "tracker/mask"), world.listen(Image, "tracker/overlay")
    detections = world.listen(Detection2DArray, "tracker/detections")

    world.spin_until(lambda: tracks and masks and overlays and detections, lambda: camera.show(frame))

    stamps = [{stamp_of(m) for m in heard} for heard in (tracks, masks, overlays, detections)]
    assert set.intersection(*stamps)


def test_the_mask_image_has_the_objects_number_on_the_object(world, tracking, scene, colours):
    _, camera = tracking()
    masks = world.listen(Image, "tracker/mask")
    info = world.listen(LabelInfo, "tracker/label_info", latched=True)

    world.spin_until(
        lambda: masks and info and len(info[-1].class_map) == 2,
        lambda: camera.show(scene((100, 80, 60, 40, colours[0]))),
    )

    labels = np.array(masks[-1].data).reshape(240, 320)
    assert masks[-1].encoding == "mono8"
    assert labels[100, 130] == 1
    assert labels[20, 20] == 0
    assert [each.class_name for each in info[-1].class_map] == ["background", "a red thing"]


def test_images_that_nobody_listens_to_are_not_drawn(world, tracking, scene, colours, monkeypatch):
    _, camera = tracking()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    monkeypatch.setattr(
        "s2iammask_ros.outputs.outputs.draw_tracks", lambda *_: pytest.fail("drawn for nobody")
    )

    world.spin_until(lambda: len(tracks) >= 3, lambda: camera.show(scene((100, 80, 60, 40, colours[0]))))


def test_a_start_before_any_image_is_refused_with_a_hint(world, make_node, box):
    node = make_node()
    world.spin_until(lambda: node.pipeline and node.pipeline.cameras)

    answer = world.start(boxes=[box(1, 1, 20, 20)])

    assert not answer.success
    assert "no image has come yet" in answer.message


def test_good_targets_start_and_bad_ones_are_refused_one_by_one(world, tracking, box):
    tracking(max_targets=3)
    boxes = [
        box(150, 90, 30, 30),
        box(10, 10, 30, 30),
        box(-900, 10, 30, 30),
        box(10, 10, float("nan"), 30),
        box(10, 10, 0, 30),
        box(20, 20, 40, 40, theta=0.4),
        box(60, 60, 40, 40),
    ]
    ids = ["a", "red", "outside", "nan", "empty", "turned", "one too many"]

    answer = world.start(boxes=boxes, ids=ids)

    assert not answer.success
    assert list(answer.ids) == ["a", "", "", "", "", "turned", ""]
    wrong = ["", "taken", "outside", "not finite", "positive", "", "max_targets"]
    assert all(word in reason for word, reason in zip(wrong, answer.reasons, strict=True))
    assert [reason == "" for reason in answer.reasons] == [word == "" for word in wrong]


def test_objects_start_from_a_label_mask(world, tracking, scene, colours):
    _, camera = tracking()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    frame = scene((100, 80, 60, 40, colours[0]), (20, 150, 50, 50, colours[1]))
    stamp = camera.show(frame)
    labels = np.zeros((240, 320), np.uint8)
    labels[150:200, 20:70] = 1
    mask = Image(height=240, width=320, step=320, encoding="mono8", data=labels.tobytes())

    world.spin_until(lambda: any(stamp_of(array) == stamp for array in tracks))
    answer = world.start(mask=mask, labels=["green"], stamp=time_message(stamp))
    world.spin_until(lambda: tracks and len(tracks[-1].objects) == 2, lambda: camera.show(frame))

    assert answer.success, answer.message
    assert tracks[-1].objects[1].label == "green"
    assert tracks[-1].objects[1].region.x_offset == pytest.approx(20, abs=3)


def test_stopping_an_unknown_id_stops_nothing(world, tracking):
    node, _ = tracking()

    answer = world.stop("red", "blue")

    assert not answer.success
    assert "blue" in answer.message
    assert len(node.pipeline.cameras[""].targets.known) == 1


def test_stopping_without_ids_stops_all(world, tracking):
    node, _ = tracking()

    answer = world.stop()

    assert answer.success
    assert list(answer.ids) == ["red"]
    assert not node.pipeline.cameras[""].targets.known


def test_every_change_of_state_is_an_event_also_for_those_who_come_later(world, tracking):
    tracking()
    world.stop()

    heard = world.listen(TrackEvent, "tracker/events", latched=True)
    world.spin_until(lambda: len(heard) == 2)

    assert [event.reason for event in heard] == [TrackEvent.STARTED, TrackEvent.STOPPED]
    assert [event.to_state for event in heard] == [TrackEvent.TRACKING, TrackEvent.NOT_TRACKED]
    assert {event.id for event in heard} == {"red"}


def test_a_lost_object_keeps_its_last_place_and_leaves_mask_and_detections(world, tracking, scene, colours):
    _, camera = tracking()
    tracks, masks = world.listen(TrackedObjectArray, "tracker/tracks"), world.listen(Image, "tracker/mask")
    detections = world.listen(Detection2DArray, "tracker/detections")
    there, gone = scene((100, 80, 60, 40, colours[0])), scene()
    world.spin_until(lambda: tracks and tracks[-1].objects, lambda: camera.show(there))

    def is_lost():
        return tracks[-1].objects[0].state == TrackedObject.LOST

    world.spin_until(is_lost, lambda: camera.show(gone))
    masks.clear()
    detections.clear()
    world.spin_until(lambda: masks and detections, lambda: camera.show(gone))

    lost = tracks[-1].objects[0]
    assert lost.box.center.position.x == pytest.approx(130, abs=3)
    assert lost.region.width > 0
    assert nanoseconds(lost.state_since) <= stamp_of(tracks[-1])
    assert not any(masks[-1].data)
    assert not detections[-1].detections


def test_the_mask_can_be_looked_at(world, tracking, scene, colours):
    _, camera = tracking()
    heard = world.listen(Image, "tracker/mask_view")

    world.spin_until(
        lambda: heard and any(heard[-1].data), lambda: camera.show(scene((100, 80, 60, 40, colours[0])))
    )

    picture = np.array(heard[-1].data, np.uint8).reshape(240, 320, 3)
    assert heard[-1].encoding == "rgb8"
    assert tuple(picture[100, 130]) == colour_of(1)
    assert not picture[20, 20].any()


def test_a_box_too_small_to_know_the_object_by_is_refused(world, tracking, box):
    tracking()

    answer = world.start(boxes=[box(100, 80, 2, 2)])

    assert not answer.success
    assert "2 x 2 pixels is too small" in answer.reasons[0]
