"""Bags among the recordings of a batch."""

import csv
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from std_msgs.msg import Header

pytest.importorskip("pycocotools")
pytest.importorskip("fsspec")

from s2iammask.msg import TrackedObjectArray, TrackEvent
from s2iammask_core import Tracker
from s2iammask_core.batch.manifest import State, opened
from s2iammask_core.batch.reading import read_rows
from s2iammask_core.batch.run import Request, run
from s2iammask_ros.messages.stamps import nanoseconds, time_message
from s2iammask_ros.outputs.conversions import rgb_to_image
from s2iammask_ros.outputs.topics import TOPICS
from s2iammask_ros.tools import replay

FRAMES, START, PERIOD = 10, 1_700_000_000_000_000_000, 100_000_000
TOPIC = "/camera/image_raw"
COLUMNS = ("recording", "topic", "frame", "stamp", "id", "label", "x", "y", "width", "height")
RED = (1, "", 60, 80, 60, 40)


@dataclass
class ColourRecipe:
    network: Any

    def make(self):
        return Tracker.of(self.network)

    def describe(self):
        return {"tracker": "colours"}


@pytest.fixture
def bag(tmp_path, scene, colours):
    """A red thing goes right, a green one left; the red one is gone from image 6 on."""
    store, path, (red, green, _) = get_typestore(Stores.ROS2_JAZZY), tmp_path / "drive", colours
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection(TOPIC, "sensor_msgs/msg/Image", typestore=store)
        for number in range(FRAMES):
            things = [(60 + 6 * number, 80, 60, 40, red)] if number < 6 else []
            frame = scene(*things, (220 - 4 * number, 150, 40, 40, green))
            stamp = START + number * PERIOD
            message = rgb_to_image(frame, Header(stamp=time_message(stamp), frame_id="optical"))
            writer.write(connection, stamp + 5_000_000, serialize_message(message))
    return path


@pytest.fixture
def batch(tmp_path, network):
    def start(*rows, formats=("coco", "boxes", "davis", "bag")):
        with (tmp_path / "jobs.csv").open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
        out = tmp_path / "labels"
        with opened(out) as manifest:
            counts = run(
                Request(ColourRecipe(network), out, formats), manifest, read_rows(tmp_path / "jobs.csv")
            )
            failures = [reason for _, reason in manifest.failures()]
        return counts[State.DONE], failures, out

    return start


def messages(path):
    """Topic, time and message of all that is in a bag."""
    kinds = {f"/tracker/{topic.name}": topic.kind for topic in TOPICS}
    with Reader(path) as reader:
        return [
            (each.topic, stamp, deserialize_message(bytes(data), kinds[each.topic]))
            for each, stamp, data in reader.messages()
        ]


def test_the_images_of_a_bag_get_labels(batch, bag):
    done, failures, out = batch(("drive", TOPIC, 0, "", *RED))

    assert (done, failures) == (1, [])
    content = json.loads((out / "coco.json").read_text())
    assert [image["stamp"] for image in content["images"]] == [START + n * PERIOD for n in range(FRAMES)]
    fifth = next(each for each in content["annotations"] if each["image_id"] == 6)
    assert fifth["bbox"] == pytest.approx([90, 80, 60, 40], abs=3)
    assert len(list((out / "davis/Annotations/drive").iterdir())) == FRAMES


def test_the_bag_of_a_batch_is_that_of_a_replay(batch, bag, tmp_path, network, monkeypatch):
    monkeypatch.setattr(replay, "make_tracker", lambda weights, config, runtime: Tracker.of(network, config))
    assert replay.main([str(bag), "--box", "60,80,60,40", "--out", str(tmp_path / "one")]) == 0

    _, failures, out = batch(("drive", "", 0, "", *RED))

    assert failures == []
    made, expected = messages(out / "bags/drive"), messages(tmp_path / "one")
    assert [(topic, stamp) for topic, stamp, _ in made] == [(topic, stamp) for topic, stamp, _ in expected]
    for (topic, _, one), (_, _, other) in zip(made, expected, strict=True):
        assert same(one, other), topic


def same(one, other):
    """Masks by their pixels: how sure each pixel is, is not kept."""
    if isinstance(one, TrackedObjectArray):
        for array in (one, other):
            for each in array.objects:
                each.mask.data = (np.array(each.mask.data) > 0).astype(np.uint8).tobytes()
    return one == other


def test_objects_begin_at_stamps(batch, bag):
    between = START + 3 * PERIOD - 7

    done, failures, out = batch(("drive", TOPIC, "", between, 5, "ball", 208, 150, 40, 40))

    assert (done, failures) == (1, [])
    tracks = [message for topic, _, message in messages(out / "bags/drive") if topic == "/tracker/tracks"]
    assert nanoseconds(tracks[0].header.stamp) == START + 3 * PERIOD
    assert [(each.id, each.label) for each in tracks[0].objects] == [("5", "ball")]


def test_an_object_that_is_gone_is_stopped(batch, bag):
    gone = ("drive", TOPIC, 6, "", 1, "", "", "", "", "")

    _, failures, out = batch(
        ("drive", TOPIC, 0, "", *RED), gone, ("drive", TOPIC, 0, "", 2, "", 220, 150, 40, 40)
    )

    assert failures == []
    events = [message for topic, _, message in messages(out / "bags/drive") if topic == "/tracker/events"]
    assert [(event.id, event.reason) for event in events] == [
        ("1", TrackEvent.STARTED),
        ("2", TrackEvent.STARTED),
        ("1", TrackEvent.STOPPED),
    ]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("drive", "/rear", 0, "", *RED), "/camera/image_raw"),
        (("drive", TOPIC, 0, "", 1, "", 900, 80, 60, 40), "outside"),
        (("drive", TOPIC, 99, "", *RED), "lies behind the recording's end"),
    ],
)
def test_what_cannot_be_tracked_in_a_bag_is_the_reason(batch, bag, row, words):
    done, (reason,), _ = batch(row)

    assert done == 0
    assert words in reason
