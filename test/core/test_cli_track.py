import csv
import json

import numpy as np
import pytest
import torch

from s2iammask_core import Box, Tracker
from s2iammask_core.cli import COMMANDS, main
from s2iammask_core.cli.beginning import read_beginning
from s2iammask_core.cli.track import Summary, track_clip
from s2iammask_core.errors import TargetError
from s2iammask_core.files.clips import open_clip
from s2iammask_core.files.labels import read_labels, write_palette_labels
from s2iammask_core.files.pictures import read_picture, write_picture
from s2iammask_core.model import build_network, checkpoint


@pytest.fixture
def folder(tmp_path, scene, colours):
    """Five frames in which a red block moves to the right."""
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(5):
        write_picture(frames / f"{number:05d}.png", scene((50 + 5 * number, 60, 40, 30, colours[0])))
    return frames


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file with the weights of an untrained network."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    checkpoint.save(build_network(), path)
    return path


def test_a_clip_is_tracked_frame_by_frame(network, folder):
    summary, seen = Summary("clip"), []
    sinks = [lambda number, _, tracks: seen.append((number, tracks[0].box.x1))]

    beginning = read_beginning([Box.from_text("50,60,40,30")], None)
    track_clip(Tracker.of(network), open_clip(str(folder)).read(), beginning.start, sinks, summary)

    assert [number for number, _ in seen] == [0, 1, 2, 3, 4]
    assert seen[0][1] == 50
    assert seen[4][1] == pytest.approx(70, abs=3)
    assert (summary.frames, summary.states["tracking"]) == (4, 4)


def test_the_command_writes_overlay_masks_boxes_and_a_summary(folder, weights, tmp_path, capsys):
    outputs = ["--out", "overlay.mp4", "--masks", "masks", "--boxes", "boxes.csv"]
    outputs[1::2] = [str(tmp_path / name) for name in outputs[1::2]]
    boxes = ["--box", "50,60,40,30", "--box", "200,100,30,30"]
    given = [
        "--weights",
        str(weights),
        "--device",
        "cpu",
        "--set",
        "precision=fp32",
        "--frames",
        "3",
        "--json",
    ]

    code = main(["track", str(folder), *boxes, *outputs, *given])

    assert code == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["frames_tracked"] == 2
    assert sum(summary["states"].values()) == 4
    assert open_clip(str(tmp_path / "overlay.mp4")).count == 3
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == ["000001.png", "000002.png"]
    assert read_picture(tmp_path / "masks/000001.png").shape == (240, 320, 3)
    with (tmp_path / "boxes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["frame"], row["id"]) for row in rows[:3]] == [("0", "1"), ("0", "2"), ("1", "1")]
    assert float(rows[0]["width"]) == 40


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--box", "1,2,3"], "x,y,width,height"),
        (["--box", "5,5,20,20", "--set", "penalty=1"], "did you mean penalty_k"),
        (["--box", "5,5,20,20", "--set", "penalty_k"], "NAME=VALUE"),
        (["--box", "5,5,20,20", "--weights", "missing.safetensors"], "missing.safetensors"),
        (["--box", "5,5,20,20", "--frames", "-1"], "--frames"),
    ],
)
def test_a_mistake_ends_with_a_reason_and_code_2(folder, words, reason, capsys):
    assert main(["track", str(folder), *words]) == 2

    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert reason in said.err
    assert said.out == ""


@pytest.mark.parametrize("option", ["--out", "--masks", "--boxes"])
def test_a_place_that_cannot_be_written_is_named(folder, weights, tmp_path, option, capsys):
    (tmp_path / "file").write_text("in the way")
    place = str(tmp_path / "file" / "out.mp4")

    words = ["--box", "50,60,40,30", "--weights", str(weights), "--device", "cpu", "--frames", "1"]
    assert main(["track", str(folder), *words, option, place]) == 2

    assert str(tmp_path / "file") in capsys.readouterr().err.splitlines()[-1]


def test_a_box_is_four_numbers():
    assert Box.from_text("1,2,3.5,4").xywh == (1, 2, 3.5, 4)
    with pytest.raises(TargetError, match="x,y,width,height"):
        Box.from_text("1;2;3;4")


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    said = capsys.readouterr().out
    assert all(name in said for name in COMMANDS)


def test_a_command_explains_its_options_without_running(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["track", "--help"])

    assert "--masks" in capsys.readouterr().out


@pytest.fixture
def tracked(folder, weights):
    """Runs the command on the folder, or on another clip."""

    def run(*words, clip=folder):
        given = ["--weights", str(weights), "--device", "cpu", "--set", "precision=fp32"]
        return main(["track", str(clip), *map(str, words), *given])

    return run


BOX = ("--box", "50,60,40,30")


def test_tracking_begins_from_the_ids_of_a_label_picture(tracked, tmp_path):
    given = np.zeros((240, 320), np.uint8)
    given[60:90, 50:90], given[5:9, 5:9] = 7, 255
    write_palette_labels(tmp_path / "given.png", given)

    code = tracked(
        "--mask", tmp_path / "given.png", "--masks", tmp_path / "masks", "--boxes", tmp_path / "b.csv"
    )

    assert code == 0
    assert read_labels(tmp_path / "masks/000000.png").ids.tolist() == np.where(given == 7, 7, 0).tolist()
    with (tmp_path / "b.csv").open() as file:
        first, *_ = csv.DictReader(file)
    assert (first["id"], float(first["x"]), float(first["width"])) == ("7", 50, 40)


def test_a_label_picture_of_another_size_names_both(tracked, tmp_path, capsys):
    write_palette_labels(tmp_path / "given.png", np.ones((20, 30), np.uint8))

    assert tracked("--mask", tmp_path / "given.png") == 2
    assert "given.png is 30x20, but its frame 0 is 320x240" in capsys.readouterr().err


def test_an_output_that_is_the_input_is_refused_before_anything_is_opened(tracked, folder, tmp_path, capsys):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (tmp_path / "link").symlink_to(folder)

    for words in (("--masks", folder), ("--masks", tmp_path / "link"), ("--masks", tmp_path)):
        assert tracked(*BOX, *words) == 2
        assert "would overwrite what is read" in capsys.readouterr().err

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_shorter_run_leaves_no_masks_of_a_longer_one_and_foreign_files_stay(tracked, tmp_path, capsys):
    masks = tmp_path / "masks"
    assert tracked(*BOX, "--masks", masks) == tracked(*BOX, "--masks", masks, "--frames", 3) == 0
    assert sorted(path.name for path in masks.iterdir()) == ["000001.png", "000002.png"]
    (masks / "notes.txt").write_text("mine")

    assert tracked(*BOX, "--masks", masks) == 2
    assert "holds other files, such as notes.txt" in capsys.readouterr().err


def test_a_clip_with_a_frame_missing_is_tracked_on_and_told(tracked, folder, tmp_path, capsys):
    whole = (folder / "00002.png").read_bytes()
    (folder / "00002.png").write_bytes(whole[: len(whole) // 2])

    code = tracked(*BOX, "--boxes", tmp_path / "b.csv", "--out", tmp_path / "o.mp4", "--json")

    said = capsys.readouterr()
    assert code == 3
    assert "missing: 2" in json.loads(said.out)["problem"]
    assert "warning: " in said.err
    with (tmp_path / "b.csv").open() as file:
        assert [row["frame"] for row in csv.DictReader(file)] == ["0", "1", "3", "4"]
    assert open_clip(str(tmp_path / "o.mp4")).count == 5


def test_ctrl_c_keeps_what_was_made(tracked, colours, tmp_path, monkeypatch, capsys):
    track, calls = Tracker.track, []

    def interrupted(self, frame):
        if tuple(frame[75, 75]) == colours[0]:  # not the scene by which a runtime is chosen
            calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return track(self, frame)

    monkeypatch.setattr(Tracker, "track", interrupted)

    code = tracked(*BOX, "--boxes", tmp_path / "b.csv")

    assert code == 130
    assert "interrupted after 3 of 5 frames" in capsys.readouterr().err
    assert len((tmp_path / "b.csv").read_text().splitlines()) == 4
