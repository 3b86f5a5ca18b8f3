"""Bags through the node's pipeline."""

import cv2
import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from rosbags.rosbag2 import Reader

from s2iammask.msg import TrackedObjectArray, TrackEvent
from s2iammask_ros.messages.stamps import nanoseconds
from s2iammask_ros.outputs.topics import TOPICS
from s2iammask_ros.tools import replay

FRAMES = 12  # of the bag, as its fixture writes it
PERIOD = 100_000_000
START = 1_700_000_000_000_000_000


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


def test_a_bar_is_drawn_on_a_terminal_only(run, bag, network, monkeypatch, capsys):
    run(bag, "--box", "60,80,60,40")
    assert "image" not in capsys.readouterr().err

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    replay.main([str(bag), "--box", "60,80,60,40"])
    assert f"{FRAMES}/{FRAMES}" in capsys.readouterr().err


PARAMETERS = """
/**: {ros__parameters: {weights: of_the_file, threads: 1, mask_threshold: 0.3, max_age: 1.0, cameras: [""]}}
tracker: {ros__parameters: {mask_threshold: 0.6}}
"""


@pytest.mark.parametrize(
    ("arguments", "weights"), [([], "of_the_file"), (["--weights", "another"], "another")]
)
def test_the_parameter_file_says_what_it_says_to_the_node(run, bag, tmp_path, asked, arguments, weights):
    (tmp_path / "own.yaml").write_text(PARAMETERS)

    code, figures = run(bag, "--box", "60,80,60,40", "--params", tmp_path / "own.yaml", *arguments)

    assert (code, figures["images"]) == (0, FRAMES)
    ((given, config, runtime),) = asked
    assert (given, config.mask_threshold, runtime.threads) == (weights, 0.6, 1)


def test_a_parameter_file_may_have_empty_parts(run, bag, tmp_path):
    (tmp_path / "own.yaml").write_text("/**: {ros__parameters: }")

    code, _ = run(bag, "--box", "60,80,60,40", "--params", tmp_path / "own.yaml")

    assert code == 0


def test_a_box_may_begin_left_of_the_picture(run, bag):
    code, _ = run(bag, "--box", "-5,80,60,40")

    assert code == 0
