import configparser
import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

trax = pytest.importorskip("trax")

from s2iammask_core.cli import main
from s2iammask_core.evaluation.identity import IdentityTracker
from s2iammask_core.evaluation.trax import Entry, serve
from s2iammask_core.runtime import weights_file


class ScriptedConnection:
    """Asks for one frame after the other, and keeps the answers."""

    def __init__(self, path, *starts):
        self.requests = [
            SimpleNamespace(
                type=trax.TraxStatus.INITIALIZE if index == 0 else trax.TraxStatus.FRAME,
                image={"color": trax.FileImage.create(str(path))},
                objects=[(region, {}) for region in regions] if regions else None,
            )
            for index, regions in enumerate(starts)
        ]
        self.answers = []

    def wait(self):
        return self.requests.pop(0) if self.requests else SimpleNamespace(type=trax.TraxStatus.QUIT)

    def status(self, objects):
        self.answers.append(objects)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "frame.png"
    cv2.imwrite(str(path), np.full((60, 80, 3), 90, np.uint8))
    return path


def points(answer):
    return [tuple(round(each, 3) for each in point) for point in answer[0]]


def test_a_rectangle_is_answered_with_the_polygon_of_its_pixels(picture):
    connection = ScriptedConnection(picture, [trax.Rectangle.create(10, 20, 5, 4)], [])

    serve(IdentityTracker(), connection)

    started, tracked = connection.answers
    assert started[0][0].bounds() == (10, 20, 5, 4)
    assert points(tracked[0]) == [(10, 20), (14, 20), (14, 23), (10, 23)]
    assert tracked[0][1] == {"confidence": 1.0}


def test_a_polygon_is_answered_with_a_polygon(picture):
    corners = [(10.0, 20.0), (14.0, 20.0), (14.0, 23.0), (10.0, 23.0)]

    connection = ScriptedConnection(picture, [trax.Polygon.create(corners)], [])
    serve(IdentityTracker(), connection)

    assert points(connection.answers[1][0]) == corners


def test_a_mask_is_answered_with_a_mask(picture):
    part = np.ones((4, 6), np.uint8)
    part[0, 0] = 0

    connection = ScriptedConnection(picture, [trax.Mask.create(part, x=30, y=40)], [])
    serve(IdentityTracker(), connection)

    answer = connection.answers[1][0][0]
    assert answer.offset() == (30, 40)
    assert np.array_equal(answer.array(), part)


def test_of_a_mask_that_reaches_out_of_the_frame_the_inside_counts(picture):
    connection = ScriptedConnection(picture, [trax.Mask.create(np.ones((10, 10), np.uint8), x=75, y=-4)], [])

    serve(IdentityTracker(), connection)

    answer = connection.answers[1][0][0]
    assert (answer.offset(), answer.array().shape) == ((75, 0), (6, 5))


def test_objects_may_join_later_and_the_order_stays(picture):
    first, second = trax.Rectangle.create(0, 0, 5, 5), trax.Rectangle.create(50, 30, 5, 5)
    connection = ScriptedConnection(picture, [first], [second], [])

    serve(IdentityTracker(), connection)

    assert [len(answer) for answer in connection.answers] == [1, 2, 2]
    assert [points(each)[0] for each in connection.answers[2]] == [(0, 0), (50, 30)]


def test_a_new_start_forgets_the_old_objects(picture):
    connection = ScriptedConnection(picture, [trax.Rectangle.create(0, 0, 5, 5)], [])
    again = ScriptedConnection(picture, [trax.Rectangle.create(50, 30, 5, 5)], [])
    connection.requests += again.requests

    serve(IdentityTracker(), connection)

    assert [len(answer) for answer in connection.answers] == [1, 1, 1, 1]
    assert points(connection.answers[3][0])[0] == (50, 30)


def test_the_entry_runs_this_python_with_paths_that_hold_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ini = tmp_path / "trackers.ini"

    assert main(["trax", "--weights", "a%b.safetensors", "--name", "Mine", "--entry", str(ini)]) == 0

    parser = configparser.ConfigParser()
    parser.read(ini)
    entry = parser["Mine"]
    assert entry["protocol"] == "trax"
    assert entry["command"].startswith(sys.executable)
    assert str(tmp_path / "a%b.safetensors") in entry["command"]


def test_the_entry_names_the_file_of_weights_that_come_with_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = weights_file("s2iammask")
    if not file.is_file():
        pytest.skip("the weights are not in this checkout")

    assert main(["trax", "--weights", "s2iammask", "--entry", str(tmp_path / "trackers.ini")]) == 0

    assert f"--weights {file}\n" in (tmp_path / "trackers.ini").read_text()


@pytest.mark.slow
def test_a_client_of_the_protocol_is_served(picture):
    from trax.client import Client

    entry = configparser.ConfigParser()
    entry.read_string(Entry("Still", "Still", ("--weights", "identity")).text())
    command = entry["Still"]["command"].split()
    image = {"color": trax.FileImage.create(str(picture))}

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        pipes = process.stdin.fileno(), process.stdout.fileno()
        client = Client(stream=pipes, log=lambda text: None)  # without a log vot-trax 4.0.2 does not start
        client.initialize(image, [(trax.Rectangle.create(10, 20, 5, 4), {})], {})
        status, _ = client.frame(image, {}, [])
        client.quit()

    assert points(status[0]) == [(10, 20), (14, 20), (14, 23), (10, 23)]
    assert process.returncode == 0
