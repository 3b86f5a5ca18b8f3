"""What cannot be replayed, or only in part, and what is said then."""

import numpy as np
import pytest
from PIL import Image
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import Image as ImageMessage

from s2iammask.msg import TrackEvent
from s2iammask_core.files.labels import write_palette_labels
from s2iammask_core.files.outputs import PART
from s2iammask_ros.outputs.conversions import rgb_to_image
from s2iammask_ros.outputs.topics import EVENTS
from s2iammask_ros.tools.bag import BagPublisher

FRAMES = 12  # of the bag


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--box", "60,80,60,40", "--image", "/rear"], "/camera/image_raw"),
        (["--box", "900,80,60,40"], "outside"),
        (["--box", "much"], "box"),
    ],
)
def test_what_cannot_be_replayed_is_said(run, bag, arguments, words):
    code, said = run(bag, *arguments)

    assert code == 2
    assert words in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--box", "60,80,60,40", "--start-offset", "77"], "behind the end of the bag"),
        (["--box", "60,80,60,40", "--id", "a", "--id", "b"], "1 --box but 2 --id"),
        (["--targets", "other.csv"], "no row of"),
        (["--targets", "other.csv", "--id", "a"], "leave those options out"),
    ],
)
def test_what_cannot_begin_is_said_and_leaves_no_bag(run, bag, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.csv").write_text("recording,x,y,width,height\nanother,1,1,20,20\n")

    code, said = run(bag, *arguments, "--out", "out")

    assert code == 2
    assert words in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/**: {ros__parameters: [1, 2]}", "ros__parameters"),
        ("/tracker: much", "/tracker"),
        ("/tracker: {ros__parameters: {mask_threshold: 7.0}}", "mask_threshold"),
    ],
)
def test_what_is_wrong_with_a_parameter_file_is_said(run, bag, tmp_path, text, words):
    (tmp_path / "own.yaml").write_text(text)

    code, said = run(bag, "--box", "60,80,60,40", "--params", tmp_path / "own.yaml")

    assert code == 2
    assert words in said


def test_a_bag_that_is_there_is_not_written_over(run, bag):
    code, said = run(bag, "--box", "60,80,60,40", "--out", bag)

    assert code == 2
    assert "would overwrite what is read" in said


def test_a_folder_that_is_no_bag_is_said(run, tmp_path):
    code, said = run(tmp_path, "--box", "1,1,9,9")

    assert code == 2
    assert "cannot read the bag" in said


def test_a_bag_without_images_is_refused_before_a_tracker_is_made(run, bag, tmp_path, asked):
    code, said = run(rewritten(bag, tmp_path / "empty", lambda *_: None), "--box", "60,80,60,40")

    assert (code, asked) == (2, [])
    assert "no image" in said


@pytest.mark.parametrize(("size", "count"), [((120, 160), FRAMES), ((480, 640), FRAMES), ((240, 320), 3)])
def test_truth_that_does_not_fit_is_refused_before_a_tracker_is_made(run, bag, tmp_path, asked, size, count):
    (tmp_path / "other").mkdir()
    for number in range(count):
        write_palette_labels(tmp_path / f"other/{number}.png", np.ones(size, np.uint8))

    code, said = run(bag, "--box", "60,80,60,40", "--truth", tmp_path / "other")

    assert (code, asked) == (2, [])
    assert f"{size[1]}x{size[0]}" in said or "3 pictures" in said


@pytest.mark.parametrize("hurt", ["cut", "white"])
def test_a_truth_that_cannot_be_read_is_refused_before_a_tracker_is_made(run, bag, truth, asked, hurt):
    path = truth / "3.png"
    if hurt == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    else:
        Image.fromarray(np.full((240, 320), 255, np.uint8)).save(path)

    code, said = run(bag, "--box", "60,80,60,40", "--truth", truth)

    assert (code, asked) == (2, [])
    assert "3.png" in said


def test_a_bag_has_its_name_only_when_it_is_whole(bag, tmp_path):
    out = tmp_path / "tracked"
    (tmp_path / f"tracked{PART}/tracked").mkdir(parents=True)  # of a run that was killed

    with BagPublisher(out, "mcap", "tracker", [EVENTS]) as publisher:
        publisher.publish(EVENTS, TrackEvent())
        assert not out.exists()

    assert sorted(path.name for path in out.iterdir()) == ["metadata.yaml", "tracked.mcap"]
    with pytest.raises(KeyError), BagPublisher(tmp_path / "half", "mcap", "tracker", [EVENTS]):
        raise KeyError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag", "tracked"]


def test_an_unknown_parameter_is_refused_with_the_name_that_is_near(run, bag, tmp_path):
    (tmp_path / "own.yaml").write_text("/**: {ros__parameters: {mask_treshold: 0.3, use_sim_time: true}}")

    code, said = run(bag, "--box", "60,80,60,40", "--params", tmp_path / "own.yaml")

    assert code == 2
    assert "did you mean mask_threshold" in said


def test_a_broken_message_is_counted_and_the_others_keep_their_truth(run, bag, truth, tmp_path):
    torn = rewritten(
        bag, tmp_path / "torn", lambda number, data: data[: len(data) // (2 if number == 3 else 1)]
    )

    code, figures = run(torn, "--box", "60,80,60,40", "--truth", truth)

    assert (code, figures["images"], figures["broken"]) == (3, FRAMES - 1, 1)
    assert figures["mean_iou"][0] > 0.8


def test_a_target_that_ended_because_images_changed_their_shape_is_told(run, bag, tmp_path):
    def change(number, data):
        if number < 6:
            return data
        message = deserialize_message(data, ImageMessage)
        frame = np.asarray(message.data, np.uint8).reshape(message.height, message.width, 3)[:200]
        return serialize_message(rgb_to_image(np.ascontiguousarray(frame), message.header))

    code, figures = run(rewritten(bag, tmp_path / "shape", change), "--box", "60,80,60,40")

    assert code == 3
    assert "at image 6" in figures["stopped"][0]
    assert "changed from" in figures["stopped"][0]


def rewritten(bag, path, change):
    """A bag like the other one, with its messages changed by number."""
    store = get_typestore(Stores.ROS2_JAZZY)
    with Reader(bag) as reader, Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/camera/image_raw", "sensor_msgs/msg/Image", typestore=store)
        for number, (_, stamp, data) in enumerate(reader.messages()):
            if (made := change(number, bytes(data))) is not None:
                writer.write(connection, stamp, made)
    return path
