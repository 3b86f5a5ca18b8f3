"""Exported networks with 8-bit convolutions."""

import json

import cv2
import numpy as np
import pytest

from s2iammask_core import Box, load_tracker
from s2iammask_core.cli import main
from s2iammask_core.clip import first_box, shots
from s2iammask_core.config import TrackerConfig
from s2iammask_core.errors import VideoError
from s2iammask_core.model import checkpoint
from s2iammask_core.runtime import weights_file
from s2iammask_core.runtime.export import ONNX, Subject, export
from s2iammask_core.runtime.exported import read_description
from s2iammask_core.runtime.quantize import EVERY, FEWEST_CHANNELS, Example, quantize, record

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CONFIG = TrackerConfig()
BOX = Box(50, 40, 90, 80)


def noise(count):
    return list(np.random.default_rng(3).integers(0, 255, (count, 120, 160, 3), np.uint8))


@pytest.fixture(scope="module")
def plain(calm_network, tmp_path_factory):
    """A small network, exported as it is."""
    folder = tmp_path_factory.mktemp("plain")
    export(Subject(calm_network(memory=False), {"trained": "never"}), folder, ONNX, CONFIG)
    return folder


@pytest.fixture
def exported(plain, tmp_path):
    """The same in a folder that a test may change."""
    for path in plain.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def weights_of(path):
    """For each convolution the number type of its weights, and their shape."""
    graph = onnx.load(path).graph
    made = {each.output[0]: each for each in graph.node}
    stored = {each.name: each for each in graph.initializer}
    found = []
    for node in graph.node:
        if node.op_type == "Conv":
            source = made.get(node.input[1])
            weight = stored.get(source.input[0] if source else node.input[1])
            if weight is not None:  # or it is a correlation, whose kernels are an input
                found.append((weight.data_type, tuple(weight.dims)))
    return found


def test_wide_convolutions_multiply_bytes_and_narrow_ones_stay_as_they_are(exported):
    quantize(exported, CONFIG, Example(noise(2 * EVERY), [BOX]))

    found = [each for name in ("template", "search") for each in weights_of(exported / f"{name}.onnx")]
    byte, plain = onnx.TensorProto.INT8, onnx.TensorProto.FLOAT
    assert {kind for kind, _ in found} == {byte, plain}
    assert all((kind == plain) == (min(shape[:2]) < FEWEST_CHANNELS) for kind, shape in found)


def test_a_folder_says_that_it_is_quantized_and_keeps_what_it_said(exported):
    before = read_description(exported)

    files = quantize(exported, CONFIG, Example(noise(2 * EVERY), [BOX]))

    after = read_description(exported)
    assert (before.precision, after.precision) == ("fp32", "int8")
    assert after.notes == {"trained": "never"}
    assert sorted(exported.iterdir()) == sorted(
        [*files, exported / "network.json", exported / "manifest.json"]
    )


def test_some_frames_of_a_clip_are_looked_at(plain):
    given = record(plain, CONFIG, Example(noise(3 * EVERY), [BOX, BOX]))

    assert [len(given[name]) for name in ("template", "search")] == [2, 4]
    assert {each["patches"].shape for each in given["search"]} == {(1, 255, 255, 3)}


def test_what_is_lost_is_not_looked_for_elsewhere(plain):
    always_lost = TrackerConfig(lost_below=1.0, uncertain_below=1.0, tracking_above=1.0, lost_after=1)

    given = record(plain, always_lost, Example(noise(4 * EVERY), [BOX]))

    assert len(given["search"]) == 3


@pytest.mark.parametrize("count", [0, 1, EVERY])
def test_a_clip_that_is_too_short_is_refused_and_changes_nothing(exported, count):
    before = {path: path.read_bytes() for path in exported.iterdir()}

    with pytest.raises(VideoError, match="8-bit"):
        quantize(exported, CONFIG, Example(noise(count), [BOX]))

    assert {path: path.read_bytes() for path in exported.iterdir()} == before


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--format", "torch-export"], "--format onnx"),
        (["--clip", "clip.mp4"], "--clip and --box"),
        (["--box", "1,2,30,40"], "--clip and --box"),
        (["--clip", "missing.mp4", "--box", "1,2,30,40"], "missing.mp4"),
    ],
)
def test_a_choice_that_does_not_fit_is_named_before_anything_is_written(tmp_path, capsys, words, named):
    assert main(["export", str(tmp_path / "out"), "--precision", "int8", *words]) == 2

    assert named in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_clip_without_a_use_is_refused(tmp_path, capsys):
    assert main(["export", str(tmp_path / "out"), "--clip", "clip.mp4", "--box", "1,2,30,40"]) == 2

    assert "--precision int8" in capsys.readouterr().err


@pytest.fixture
def weights(random_network, tmp_path):
    path = tmp_path / "random.safetensors"
    checkpoint.save(random_network(memory=False), path)
    return path


@pytest.fixture
def clip(tmp_path):
    folder = tmp_path / "clip"
    folder.mkdir()
    for number, frame in enumerate(noise(EVERY + 1)):
        cv2.imwrite(str(folder / f"{number}.png"), frame)
    return folder


def test_a_box_outside_the_clip_leaves_what_was_exported_before(weights, clip, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "search.onnx").write_text("of before")

    words = ["--weights", str(weights), "--clip", str(clip), "--box", "500,40,40,40"]
    assert main(["export", str(tmp_path / "out"), "--precision", "int8", *words]) == 2

    assert "outside the frame" in capsys.readouterr().err
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["of before"]


def test_a_clip_of_ones_own_gives_the_ranges(weights, clip, tmp_path, capsys):
    folder = tmp_path / "out"

    words = ["--weights", str(weights), "--clip", str(clip), "--box", "50,40,40,40", "--json"]
    assert main(["export", str(folder), "--precision", "int8", *words]) == 0

    report = json.loads(capsys.readouterr().out)
    assert (report["variant"], report["precision"]) == ("s2iammask", "int8")
    assert read_description(folder).precision == "int8"


@pytest.mark.slow
@pytest.mark.skipif(not weights_file("s2iammask").is_file(), reason="the weights are not in this checkout")
def test_the_shipped_small_network_tracks_nearly_as_well_with_bytes(tmp_path):
    pytest.importorskip("skimage")
    assert main(["export", str(tmp_path), "--precision", "int8", "--weights", "s2iammask"]) == 0
    trackers = [load_tracker(each, device="cpu") for each in (tmp_path, "s2iammask")]
    first, *later = [shot for number, shot in enumerate(shots(60)) if number % 6 == 0]

    overlaps = [[], []]
    for tracker, found in zip(trackers, overlaps, strict=True):
        tracker.start(first.frame, [first_box(60)])
        for shot in later:
            mask = tracker.track(shot.frame)[0].mask.full(*shot.mask.shape)
            found.append((mask & shot.mask).sum() / (mask | shot.mask).sum())

    assert np.mean(overlaps[0]) > np.mean(overlaps[1]) - 0.03
