"""A bag of a moving object, and a replay of it with the network that knows colours."""

import json

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from std_msgs.msg import Header

from s2iammask_core import Tracker
from s2iammask_core.files.labels import write_palette_labels
from s2iammask_ros.messages.stamps import time_message
from s2iammask_ros.outputs.conversions import rgb_to_image
from s2iammask_ros.tools import replay

FRAMES = 12
PERIOD = 100_000_000  # nanoseconds
START = 1_700_000_000_000_000_000


@pytest.fixture
def run(network, monkeypatch, capsys):
    monkeypatch.setattr(replay, "make_tracker", lambda weights, config, runtime: Tracker.of(network, config))

    def run(*arguments):
        code = replay.main([str(each) for each in arguments])
        said = capsys.readouterr()
        return code, json.loads(said.out) if code != 2 else said.err

    return run


@pytest.fixture(params=[StoragePlugin.SQLITE3, StoragePlugin.MCAP], ids=["sqlite3", "mcap"])
def bag(request, tmp_path, scene, colours):
    return written(tmp_path / "bag", request.param, scene, colours)


def written(path, storage, scene, colours):
    store = get_typestore(Stores.ROS2_JAZZY)
    with Writer(path, version=9, storage_plugin=storage) as writer:
        connection = writer.add_connection("/camera/image_raw", "sensor_msgs/msg/Image", typestore=store)
        for number in range(FRAMES):
            stamp = START + number * PERIOD
            frame = scene((60 + 6 * number, 80, 60, 40, colours[0]))
            message = rgb_to_image(frame, Header(stamp=time_message(stamp), frame_id="optical"))
            writer.write(connection, stamp + 5_000_000, serialize_message(message))
    return path


@pytest.fixture
def truth(tmp_path):
    """Palette pictures of the moving object, named without zeros."""
    folder = tmp_path / "truth"
    folder.mkdir()
    for number in range(FRAMES):
        labels = np.zeros((240, 320), np.uint8)
        labels[80:120, 60 + 6 * number : 120 + 6 * number] = 1
        write_palette_labels(folder / f"{number}.png", labels)
    return folder


@pytest.fixture
def asked(network, monkeypatch, run):
    """What a tracker was asked for, with each replay."""
    asked = []

    def make(*given):
        asked.append(given)
        return Tracker.of(network, given[1])

    monkeypatch.setattr(replay, "make_tracker", make)
    return asked
