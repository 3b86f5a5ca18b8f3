"""Bags through the node's pipeline."""

import json

import cv2
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from s2iammask.msg import TrackedObjectArray, TrackEvent
from s2iammask_core import Tracker
from s2iammask_core.files.labels import write_palette_labels
from s2iammask_ros.messages.stamps import nanoseconds, time_message
from s2iammask_ros.outputs.conversions import rgb_to_image
from s2iammask_ros.outputs.topics import TOPICS
from s2iammask_ros.tools import replay

FRAMES = 12
PERIOD = 100_000_000
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


def message_of(connection, data):
    """Bytes cannot be compared: those between aligned fields are not set."""
    (kind,) = (topic.kind for topic in TOPICS if f"/tracker/{topic.name}" == connection.topic)
    return deserialize_message(bytes(data), kind)


def read(path, topic, kind):
    with Reader(path) as reader:
        connections = [each for each in reader.connections if each.topic == topic]
        return [
            (stamp, deserialize_message(bytes(data), kind)) for _, stamp, data in reader.messages(connections)
        ]


def test_every_image_of_a_bag_is_tracked_into_a_new_bag(run, bag, tmp_path):
    code, figures = run(bag, "--box", "60,80,60,40", "--out", tmp_path / "out")

    assert code == 0
    assert figures["images"] == FRAMES
    arrays = read(tmp_path / "out", "/tracker/tracks", TrackedObjectArray)
    assert [nanoseconds(array.header.stamp) for _, array in arrays] == [
        START + number * PERIOD for number in range(FRAMES)
    ]
    assert [stamp - nanoseconds(array.header.stamp) for stamp, array in arrays] == [5_000_000] * FRAMES
    last = arrays[-1][1].objects[0]
    assert last.box.center.position.x == pytest.approx(60 + 6 * (FRAMES - 1) + 30, abs=3)
    (event,) = read(tmp_path / "out", "/tracker/events", TrackEvent)
    assert event[1].reason == TrackEvent.STARTED


def test_a_replay_gives_the_same_bag_each_time(run, bag, tmp_path):
    for name in ("one", "two"):
        run(bag, "--box", "60,80,60,40", "--out", tmp_path / name, "--overlay")

    contents = []
    for name in ("one", "two"):
        with Reader(tmp_path / name) as reader:
            contents.append(
                [(each.topic, stamp, message_of(each, data)) for each, stamp, data in reader.messages()]
            )
    assert contents[0] == contents[1]
    assert len({topic for topic, _, _ in contents[0]}) == 6


def test_with_truth_the_overlap_is_measured(run, bag, tmp_path):
    truth = tmp_path / "truth"
    truth.mkdir()
    for number in range(FRAMES):
        labels = np.zeros((240, 320), np.uint8)
        labels[80:120, 60 + 6 * number : 120 + 6 * number] = 1
        cv2.imwrite(str(truth / f"{number:05d}.png"), labels)

    code, figures = run(bag, "--box", "60,80,60,40", "--truth", truth)

    assert code == 0
    assert figures["mean_iou"][0] > 0.8


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


def starts_in(path):
    """Seconds after the first image, by the id of the object that begins there."""
    events = read(path, "/tracker/events", TrackEvent)
    return {
        each.id: (nanoseconds(each.header.stamp) - START) / 1e9
        for _, each in events
        if each.reason == TrackEvent.STARTED
    }


@pytest.mark.parametrize(
    "start", [["--start-offset", "0.45"], ["--start-stamp", f"{(START + 5 * PERIOD) / 1e9:.1f}"]]
)
def test_an_object_may_begin_later_in_the_bag_under_a_name(run, bag, truth, tmp_path, start):
    out = tmp_path / "out"
    code, figures = run(
        bag, "--box", "90,80,60,40", "--id", "cup", "--label", "red", *start, "--out", out, "--truth", truth
    )

    assert (code, figures["images"]) == (0, FRAMES)
    assert starts_in(out) == {"cup": 0.5}
    arrays = [each for _, each in read(out, "/tracker/tracks", TrackedObjectArray)]
    assert [len(each.objects) for each in arrays] == [0] * 5 + [1] * (FRAMES - 5)
    assert (arrays[-1].objects[0].id, arrays[-1].objects[0].label) == ("cup", "red")
    assert figures["mean_iou"][0] > 0.8


def test_several_targets_come_from_a_table_as_a_batch_reads_it(run, bag, tmp_path):
    rows = [
        "recording,frame,id,label,x,y,width,height",
        "bag,2,7,red,72,80,60,40",
        "another,0,1,,1,1,20,20",
        "bag,6,3,,96,80,60,40",
        "bag,9,7,,,,,",
    ]
    (tmp_path / "targets.csv").write_text("\n".join(rows))

    code, figures = run(bag, "--targets", tmp_path / "targets.csv", "--out", tmp_path / "out")

    assert (code, figures["stopped"]) == (0, [])
    assert starts_in(tmp_path / "out") == {"7": 0.2, "3": 0.6}
    arrays = [each for _, each in read(tmp_path / "out", "/tracker/tracks", TrackedObjectArray)]
    assert [[each.id for each in array.objects] for array in arrays] == [
        *([[]] * 2 + [["7"]] * 4 + [["7", "3"]] * 3 + [["3"]] * 3)
    ]


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


def test_a_bar_is_drawn_on_a_terminal_only(run, bag, network, monkeypatch, capsys):
    run(bag, "--box", "60,80,60,40")
    assert "image" not in capsys.readouterr().err

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    replay.main([str(bag), "--box", "60,80,60,40"])
    assert f"{FRAMES}/{FRAMES}" in capsys.readouterr().err


def test_a_bag_that_is_there_is_not_written_over(run, bag):
    code, said = run(bag, "--box", "60,80,60,40", "--out", bag)

    assert code == 2
    assert "would overwrite what is read" in said


PARAMETERS = """
/**: {ros__parameters: {weights: of_the_file, threads: 1, mask_threshold: 0.3, max_age: 1.0, cameras: [""]}}
tracker: {ros__parameters: {mask_threshold: 0.6}}
"""


@pytest.fixture
def asked(network, monkeypatch, run):
    """What a tracker was asked for, with each replay."""
    asked = []

    def make(*given):
        asked.append(given)
        return Tracker.of(network, given[1])

    monkeypatch.setattr(replay, "make_tracker", make)
    return asked


@pytest.mark.parametrize(
    ("arguments", "weights"), [([], "of_the_file"), (["--weights", "another"], "another")]
)
def test_the_parameter_file_says_what_it_says_to_the_node(run, bag, tmp_path, asked, arguments, weights):
    (tmp_path / "own.yaml").write_text(PARAMETERS)

    code, figures = run(bag, "--box", "60,80,60,40", "--params", tmp_path / "own.yaml", *arguments)

    assert (code, figures["images"]) == (0, FRAMES)
    ((given, config, runtime),) = asked
    assert (given, config.mask_threshold, runtime.threads) == (weights, 0.6, 1)


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


def test_a_parameter_file_may_have_empty_parts(run, bag, tmp_path):
    (tmp_path / "own.yaml").write_text("/**: {ros__parameters: }")

    code, _ = run(bag, "--box", "60,80,60,40", "--params", tmp_path / "own.yaml")

    assert code == 0


def test_a_folder_that_is_no_bag_is_said(run, tmp_path):
    code, said = run(tmp_path, "--box", "1,1,9,9")

    assert code == 2
    assert "cannot read the bag" in said


def rewritten(bag, path, change):
    """A bag like the other one, with its messages changed by number."""
    store = get_typestore(Stores.ROS2_JAZZY)
    with Reader(bag) as reader, Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/camera/image_raw", "sensor_msgs/msg/Image", typestore=store)
        for number, (_, stamp, data) in enumerate(reader.messages()):
            if (made := change(number, bytes(data))) is not None:
                writer.write(connection, stamp, made)
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
        message = deserialize_message(data, Image)
        frame = np.asarray(message.data, np.uint8).reshape(message.height, message.width, 3)[:200]
        return serialize_message(rgb_to_image(np.ascontiguousarray(frame), message.header))

    code, figures = run(rewritten(bag, tmp_path / "shape", change), "--box", "60,80,60,40")

    assert code == 3
    assert "at image 6" in figures["stopped"][0]
    assert "changed from" in figures["stopped"][0]


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


def test_an_unknown_parameter_is_refused_with_the_name_that_is_near(run, bag, tmp_path):
    (tmp_path / "own.yaml").write_text("/**: {ros__parameters: {mask_treshold: 0.3, use_sim_time: true}}")

    code, said = run(bag, "--box", "60,80,60,40", "--params", tmp_path / "own.yaml")

    assert code == 2
    assert "did you mean mask_threshold" in said


def test_a_box_may_begin_left_of_the_picture(run, bag):
    code, _ = run(bag, "--box", "-5,80,60,40")

    assert code == 0
