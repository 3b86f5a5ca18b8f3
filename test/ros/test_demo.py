"""The demo's command line, camera and report, as far as they go without three processes."""

import sys
from dataclasses import asdict
from itertools import count, islice

import cv2
import numpy as np
import pytest

from demo import camera, report, run
from s2iammask_core.tracking.track import MaskRegion

SECOND = 10**9


@pytest.fixture
def started(tmp_path, scene, monkeypatch, capsys):
    """What `python demo/run.py --video ... --box ...` ends with, and says of errors."""
    (tmp_path / "frames").mkdir()
    cv2.imwrite(str(tmp_path / "frames" / "0.png"), scene())

    def start(video, box):
        line = ["run.py", "--video", str(tmp_path / video), "--box", box, "--weights", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", line)
        return run.main(), capsys.readouterr().err

    return start


@pytest.mark.parametrize(
    ("video", "box", "words"),
    [
        ("nowhere.mp4", "1,2,30,40", "nowhere.mp4"),
        ("frames", "900,20,30,40", "outside the frame"),
        ("frames", "much", "x,y,width,height"),
    ],
)
def test_what_cannot_be_shown_is_said_before_anything_runs(started, video, box, words):
    code, said = started(video, box)

    assert code == 2
    assert words in said


class Clockwork:
    """A camera whose time passes only while it waits, and while it publishes an image: so many seconds."""

    def __init__(self, publishing):
        self.now, self.publishing = 0.0, iter(publishing)

    def wait(self, until):
        self.now = max(self.now, until)

    def publish(self, frame, frame_id):
        begun = self.now
        self.now += next(self.publishing)
        return begun


@pytest.fixture
def published(monkeypatch):
    """When images are published at 10 Hz, by the seconds that each takes."""

    def publish(seconds):
        clockwork = Clockwork(seconds)
        monkeypatch.setattr(camera.rclpy, "ok", lambda: True)
        monkeypatch.setattr(camera.time, "monotonic", lambda: clockwork.now)
        return list(camera.published(clockwork, range(len(seconds)), 10.0))

    return publish


def test_a_late_image_does_not_delay_those_after_it(published):
    assert published([0.02, 0.16, 0.0, 0.02, 0.02]) == pytest.approx([0.0, 0.1, 0.26, 0.3, 0.4])


def test_a_camera_that_was_held_up_does_not_hurry(published):
    assert published([5.0, 0.0, 0.0, 0.0]) == pytest.approx([0.0, 5.0, 5.0, 5.1])


def test_frames_are_drawn_before_they_are_asked_for_and_stay_in_order():
    drawn = []
    frames = camera.drawn_ahead((drawn.append(number) or number for number in count()), most=3)

    assert next(frames) == 0
    assert list(islice(frames, 5)) == [1, 2, 3, 4, 5]
    frames.close()
    assert drawn[:6] == list(range(6))
    assert len(drawn) <= 6 + 3


def test_a_source_that_breaks_off_is_an_error_after_its_last_frame():
    def broken():
        yield "frame"
        raise OSError("unplugged")

    frames = camera.drawn_ahead(broken(), most=3)

    assert next(frames) == "frame"
    with pytest.raises(OSError, match="unplugged"):
        next(frames)


@pytest.fixture
def made_report():
    """That of ten images at 20 Hz of which these were tracked."""

    def make(tracked):
        mask = MaskRegion(0, 0, np.ones((4, 4), np.bool_), np.ones((4, 4), np.float32))
        stamps = [SECOND + number * SECOND // 20 for number in range(10)]
        seen = {
            stamps[number]: report.Sighting(0.02, number / 20 + 0.02, 0.9, mask, (8, 8)) for number in tracked
        }
        return asdict(report.make_report(stamps, seen, None, "cpu", "some"))

    return make


def test_the_report_tells_the_rate_of_the_camera_from_that_of_the_answers(made_report):
    found = made_report([0, 2, 4, 6, 8])

    assert (found["frames_published"], found["frames_tracked"], found["dropped"]) == (10, 5, 5)
    assert (found["camera_hz"], found["fps"]) == (20.0, 10.0)
    assert "10 images published at 20.0 Hz, 5 tracked, 5 dropped" in run.summary(found)


def test_who_sees_many_images_dropped_is_told_what_to_do(made_report):
    assert "RATE=8" in run.summary(made_report([0, 2, 4, 6, 8]))
    assert "RATE" not in run.summary(made_report(range(10)))
    assert "RATE=1" in run.summary(made_report([]))
