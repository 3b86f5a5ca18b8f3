"""Preparation that is run again: it goes on, and mixes nothing."""

from pathlib import Path

import pytest

from s2iammask_core.data import prepare as preparation
from s2iammask_core.data.crop_files import FrameOrder
from s2iammask_core.data.prepare import KINDS, CropWork, PrepareConfig, named, prepare
from s2iammask_core.errors import DatasetError, UnavailableError
from s2iammask_core.spread import Failed


def test_files_that_a_killed_run_left_in_part_are_written_again(coco, tmp_path, contents):
    prepare("coco", coco, tmp_path / "out", ["train2017"])
    whole = contents(tmp_path / "out")
    folder = tmp_path / "out/crop511/train2017/000000000009"
    (folder / "000000.00.x.jpg").rename(folder / "000000.00.x.jpg.part")
    (folder / "000000.02.m.png").write_bytes(b"")

    (result,) = prepare("coco", coco, tmp_path / "out", ["train2017"])

    assert result.written == 2
    assert contents(tmp_path / "out") == whole


def test_the_labels_come_last(vid, drawing, tmp_path):
    drawing.text("Data/VID/val/ILSVRC2015_val_00007000/000000.JPEG", "torn")

    with pytest.raises(DatasetError, match=r"000000\.JPEG"):
        prepare("vid", vid, tmp_path / "out", ["val"])

    assert not (tmp_path / "out/val.json").exists()


def test_crops_of_other_settings_are_not_mixed(coco, tmp_path):
    prepare("coco", coco, tmp_path, ["val2017"])

    with pytest.raises(DatasetError, match="other settings"):
        prepare("coco", coco, tmp_path, ["val2017"], PrepareConfig(quality=60))


def test_crops_of_a_picture_that_was_replaced_are_not_taken_for_new_ones(coco, tmp_path):
    prepare("coco", coco, tmp_path, ["val2017"])
    picture = next((coco / "val2017").glob("*.jpg"))
    picture.write_bytes(picture.read_bytes() + b"\0")

    with pytest.raises(DatasetError, match="from other pictures or annotations of val2017"):
        prepare("coco", coco, tmp_path, ["val2017"])


def test_an_interrupted_run_goes_on_and_ends_as_if_it_had_not_been(
    vid, drawing, tmp_path, monkeypatch, contents
):
    out = tmp_path / "out"
    monkeypatch.setattr(preparation, "BATCH", 1)
    prepare("vid", vid, tmp_path / "whole", ["train"])
    last = "Data/VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00010001/000005.JPEG"
    picture = (vid / last).read_bytes()
    drawing.text(last, "torn")
    with pytest.raises(DatasetError, match=r"000005\.JPEG"):
        prepare("vid", vid, out, ["train"])
    (vid / last).write_bytes(picture)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.jpg")}

    (result,) = prepare("vid", vid, out, ["train"])

    assert 0 < result.written < result.crops
    assert contents(out) == contents(tmp_path / "whole")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_frames_of_a_worker_that_died_are_named():
    batch = [FrameOrder(Path(name), ()) for name in ("a/0.jpg", "a/1.jpg", "b/0.jpg")]

    error = named(Failed(batch, UnavailableError("its process died"), 3))

    assert str(error) == "crops of a/0.jpg to b/0.jpg: its process died"


def test_a_worker_that_does_not_see_the_destination_says_so(tmp_path):
    with pytest.raises(UnavailableError, match="give a folder that all machines share"):
        CropWork(tmp_path / "elsewhere", KINDS["vid"].form(PrepareConfig()))()
