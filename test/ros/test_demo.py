"""The demo's command line, as far as it goes without three processes."""

import sys

import cv2
import pytest

from demo import run


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
