"""What the light installation does: programs that cannot import PyTorch, nor any other extra package."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from s2iammask_core import Box, RuntimeConfig, load_tracker

ROOT = Path(__file__).resolve().parents[2]
NEEDED = [
    *("boxes", "config", "geometry", "clip", "overlay", "files.clips", "runtime", "manifest"),
    *("tracking.tracker", "tracking.colours", "tracking.redetection", "tracking.s2iammask"),
    *("cli.track", "cli.demo", "cli.weights", "cli.bench", "cli.check"),
]
FOR_EVALUATION = ["cli.eval", "cli.trax", "evaluation.davis"]
IMPORTS = """
import importlib
import s2iammask_core
for name in s2iammask_core._HOMES:
    getattr(s2iammask_core, name)
for name in {needed!r}:
    importlib.import_module("s2iammask_core." + name)
"""
TRACKING = """
import json
import numpy as np
from s2iammask_core import Box, load_tracker
frames = np.load({frames!r})
tracker = load_tracker(device="cpu")
boxes = [Box(*corners) for corners in {boxes!r}]
first, second = tracker.start(frames[0], boxes)
tracked = [tracker.track(frame)[0] for frame in frames[1:4]]
tracker.stop([second])
tracked += [tracker.track(frame)[0] for frame in frames[4:]]
print(json.dumps([
    [track.id, track.state.value, track.confidence, track.box.xywh, int(track.mask.area)] for track in tracked
]))
"""


def answered(line):
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def object_at(step):
    return Box.from_xywh(60 + 7 * step, 70 + 4 * step, 70, 50)


@pytest.fixture
def frames(scene, colours):
    """A red and a green block that move apart."""
    red, green, _ = colours
    shown = [(*map(int, object_at(step).xywh), red) for step in range(7)]
    return np.stack([scene(block, (230 + 4 * step, 30, 60, 60, green)) for step, block in enumerate(shown)])


def test_what_tracking_needs_is_imported_without_extras(light):
    answered(light(IMPORTS.format(needed=NEEDED)))


def test_what_evaluation_needs_is_imported_without_pytorch(without_pytorch):
    answered(without_pytorch(IMPORTS.format(needed=FOR_EVALUATION)))


def test_the_light_installation_tracks(light, frames, tmp_path):
    np.save(tmp_path / "frames.npy", frames)
    boxes = [(60, 70, 130, 120), (230, 30, 290, 90)]

    tracks = json.loads(answered(light(TRACKING.format(frames=str(tmp_path / "frames.npy"), boxes=boxes))))

    for step, (number, state, confidence, xywh, area) in enumerate(tracks, start=1):
        assert (number, state) == (1, "tracking")
        assert confidence > 0.5
        assert Box.from_xywh(*xywh).iou(object_at(step)) > 0.8
        assert area == pytest.approx(70 * 50, rel=0.2)


def test_the_light_installation_measures_itself(light):
    program = (
        "from s2iammask_core.cli import main\n"
        "raise SystemExit(main(['bench', '--device', 'cpu', '--size', '320x240', '--frames', '2']))"
    )

    assert "runtime openvino" in answered(light(program))


def test_it_answers_as_the_network_in_pytorch_does(frames):
    exported, trained = (
        load_tracker(device="cpu", runtime=RuntimeConfig(runtime=name)) for name in ("openvino", "eager")
    )

    for tracker in (exported, trained):
        tracker.start(frames[0], [object_at(0)])
    for frame in frames[1:4]:
        (found,), (wanted,) = exported.track(frame), trained.track(frame)
        assert found.confidence == pytest.approx(wanted.confidence, abs=0.02)
        assert found.box.iou(wanted.box) > 0.93  # a pixel of the outline


def test_weights_without_pytorch_say_what_is_missing(light):
    program = "from s2iammask_core import load_tracker\nload_tracker('some.safetensors')"

    done = subprocess.run(light(program), cwd=ROOT, capture_output=True, text=True, check=False)

    assert "some.safetensors needs PyTorch" in done.stderr
    assert "s2iammask[torch]" in done.stderr
