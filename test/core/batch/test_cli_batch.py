"""The command."""

import json

import pytest

pytest.importorskip("pycocotools")
pytest.importorskip("fsspec")

from s2iammask_core.cli import main
from s2iammask_core.evaluation.factory import WeightsFactory
from s2iammask_core.files.outputs import write_text
from s2iammask_core.tracking.tracker import Tracker

RED = ("cup", 60, 80, 60, 40)


@pytest.fixture
def command(network, monkeypatch, tmp_path):
    """Runs the command in this process, with a tracker that finds colours."""
    monkeypatch.setattr(WeightsFactory, "make", lambda factory: Tracker.of(network, factory.config))

    def run(jobs, *arguments):
        common = ["batch", jobs, "--out", tmp_path / "labels", "--weights", "s2iammask", "--workers", 0]
        return main([str(word) for word in [*common, *arguments]])

    return run


def test_labels_are_made(command, frames, table, tmp_path, capsys):
    frames(tmp_path / "a")

    assert command(table(("a", 0, 1, *RED)), "--formats", "coco,davis", "--json") == 0

    said = capsys.readouterr()
    expected = {"pending": 0, "done": 1, "failed": 0, "out": str(tmp_path / "labels")}
    assert json.loads(said.out) == expected
    assert "10/10" in said.err
    assert len(list((tmp_path / "labels/davis/Annotations/a").iterdir())) == 10


def test_failures_are_named_and_decide_the_exit_code(command, frames, table, tmp_path, capsys):
    frames(tmp_path / "a")

    assert command(table(("a", 0, 1, *RED), ("b", 0, 1, *RED))) == 1

    said = capsys.readouterr()
    assert f"failed: {tmp_path / 'b'}: " in said.err
    assert said.out == f"1 done, 1 failed; labels in {tmp_path / 'labels'}\n"


def test_corrections_are_taken_over(command, frames, table, tmp_path, coco):
    frames(tmp_path / "a")
    jobs = table(("a", 0, 1, *RED))
    command(jobs)
    corrections = table(("a", 5, 1, "cup", 88, 78, 64, 44), name="drawn.csv")

    assert command(jobs, "--from-review", corrections) == 0

    assert coco(tmp_path / "labels")["a", 5, 1] == [88, 78, 64, 44]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--formats", "coco,voc"], "--formats knows coco, boxes, davis, mots, images, bag, not 'voc'"),
        (["--split-after", "0"], "--split-after must be 1 or more"),
        (["--address", "auto"], "--address auto needs --workers"),
        (["--retries", "-1"], "must be 0 or more"),
        (["--from-review", "nowhere.csv"], "there is no file nowhere.csv"),
    ],
)
def test_what_cannot_be_is_said(command, table, capsys, arguments, words):
    assert command(table(("a", 0, 1, *RED)), *arguments) == 2

    assert words in capsys.readouterr().err


def test_a_folder_of_other_files_is_left_alone(tmp_path, capsys):
    table = tmp_path / "data/boxes.csv"
    for name in ("images/clip/1.jpg", "bags/own/metadata.yaml", "mots/own.txt", "review/own/notes.txt"):
        write_text(tmp_path / "data" / name, "mine")
    write_text(table, "recording,x,y,width,height\nimages/clip,1,1,9,9\n")
    before = sorted((tmp_path / "data").rglob("*"))

    assert main(["batch", str(table), "--out", str(tmp_path / "data/elsewhere/..")]) == 2
    assert "would overwrite what is read" in capsys.readouterr().err
    assert main(["batch", str(table), "--out", str(tmp_path / "data/images")]) == 2
    assert "holds other files, such as" in capsys.readouterr().err
    assert sorted((tmp_path / "data").rglob("*")) == before


def test_a_table_of_no_rows_is_said(tmp_path, capsys):
    write_text(tmp_path / "jobs.csv", "recording,x,y,width,height\n")

    assert main(["batch", str(tmp_path / "jobs.csv"), "--out", str(tmp_path / "labels")]) == 2
    assert "names no recording" in capsys.readouterr().err
