"""What is made of each data set."""

import argparse
import json

import cv2
import numpy as np
import pytest

from s2iammask_core.cli import prepare as command
from s2iammask_core.data import prepare as preparation
from s2iammask_core.data.crop511 import box_in_crop
from s2iammask_core.data.prepare import PrepareConfig, prepare
from s2iammask_core.data.readers.crops import CropSetting, read_crops
from s2iammask_core.errors import ConfigError, DatasetError, OutputError


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def labels(path):
    return json.loads(path.read_text())


def read_crop(path):
    """(511, 511, 3) RGB."""
    return cv2.imread(str(path))[..., ::-1].astype(int)


def test_coco_is_prepared_as_the_method_names_it(coco, tmp_path):
    train, val = prepare("coco", coco, tmp_path / "out")

    crops = [
        f"{split}/000000000009/000000.{track}" for split in ("train2017", "val2017") for track in ("00", "02")
    ]
    assert files(tmp_path / "out/crop511") == sorted(
        f"{c}.{kind}" for c in crops for kind in ("x.jpg", "m.png")
    )
    assert labels(tmp_path / "out/train2017.json") == {
        "train2017/000000000009": {"00": {"000000": [60, 40, 120, 80]}, "02": {"000000": [10, 20, 40, 50]}}
    }
    assert (train.split, val.split) == ("train2017", "val2017")
    assert (train.videos, train.crops, train.written) == (1, 2, 2)


def test_crops_of_coco_show_the_object_and_its_mask(coco, tmp_path, colours):
    prepare("coco", coco, tmp_path, ["train2017"])

    stem = tmp_path / "crop511/train2017/000000000009/000000.00"
    mask = cv2.imread(f"{stem}.m.png", cv2.IMREAD_UNCHANGED)
    inside = read_crop(f"{stem}.x.jpg")[mask > 0]
    box = box_in_crop(60, 40)
    assert mask.shape == (511, 511)
    assert set(np.unique(mask)) == {0, 255}
    assert (mask > 0).sum() == pytest.approx(box.area, rel=0.02)
    assert np.abs(np.median(inside, axis=0) - colours[0]).max() < 6


def test_crowds_of_coco_are_prepared_when_asked_for(coco, tmp_path):
    prepare("coco", coco, tmp_path, ["train2017"], PrepareConfig(crowds=True))

    assert list(labels(tmp_path / "train2017.json")["train2017/000000000009"]) == ["00", "01", "02"]


def test_youtube_vos_is_prepared_by_frame_number_and_running_track(youtube_vos, tmp_path):
    prepare("ytb_vos", youtube_vos, tmp_path)

    assert labels(tmp_path / "train.json") == {
        "train/bb22": {"00": {"000000": [10, 10, 70, 70]}},
        "train/aa11": {
            "00": {"000000": [20, 30, 60, 60], "000005": [25, 30, 65, 60], "000010": [30, 30, 70, 60]},
            "01": {"000000": [100, 60, 150, 110]},
        },
    }
    assert "train/aa11/000000.01.m.png" in files(tmp_path / "crop511")
    assert not (tmp_path / "val.json").exists()


def test_the_last_videos_of_youtube_vos_are_for_validation(youtube_vos, tmp_path, monkeypatch):
    monkeypatch.setattr(preparation, "YTB_VOS_TRAIN", 1)

    (result,) = prepare("ytb_vos", youtube_vos, tmp_path)

    assert list(labels(tmp_path / "train.json")) == ["train/bb22"]
    assert list(labels(tmp_path / "val.json")) == ["train/aa11"]
    assert result.labels == (tmp_path / "train.json", tmp_path / "val.json")


def test_vid_keeps_all_frames_of_a_track_across_a_gap(vid, tmp_path):
    prepare("vid", vid, tmp_path)

    snippet = "ILSVRC2015_VID_train_0000/ILSVRC2015_train_00010001"
    tracks = labels(tmp_path / "train.json")[snippet]
    assert list(tracks) == ["00", "04"]
    assert list(tracks["00"]) == ["000000", "000001", "000004", "000005"]
    assert (tmp_path / f"crop511/{snippet}/000004.00.x.jpg").is_file()
    assert list(labels(tmp_path / "val.json")) == ["val/ILSVRC2015_val_00007000"]
    assert not list(tmp_path.rglob("*.png"))


def test_det_numbers_the_objects_of_a_picture(det, tmp_path):
    prepare("det", det, tmp_path)

    name = "ILSVRC2013_train/n01440764/n01440764_2"
    assert files(tmp_path / "crop511") == [f"{name}/000000.00.x.jpg", f"{name}/000000.01.x.jpg"]
    assert list(labels(tmp_path / "train.json")) == [name]


def test_prepared_crops_are_read_back(youtube_vos, tmp_path):
    prepare("ytb_vos", youtube_vos, tmp_path)

    setting = CropSetting("ytb_vos", 20, None, has_masks=True)
    found = read_crops(tmp_path / "crop511", tmp_path / "train.json", setting)

    for video in found.videos:
        for track in video.tracks.values():
            for frame, annotation in track.items():
                rows, columns = np.nonzero(annotation.mask.load())
                drawn = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
                box = annotation.box
                assert drawn == pytest.approx((box.x1, box.y1, box.x2, box.y2), abs=1.5)  # low mask threshold
                assert video.frames[frame].is_file()


def test_a_lower_quality_makes_smaller_files(coco, tmp_path):
    sizes = {}
    for quality in (40, 95):
        prepare("coco", coco, tmp_path / str(quality), ["val2017"], PrepareConfig(quality=quality))
        sizes[quality] = sum(path.stat().st_size for path in (tmp_path / str(quality)).rglob("*.jpg"))

    assert sizes[40] < sizes[95]


def test_a_mask_of_another_size_than_its_frame_is_named(youtube_vos, tmp_path):
    frame = youtube_vos / "train/JPEGImages/aa11/00005.jpg"
    cv2.imwrite(str(frame), np.zeros((60, 80, 3), np.uint8))

    with pytest.raises(DatasetError, match=r"aa11/00005\.jpg"):
        prepare("ytb_vos", youtube_vos, tmp_path)


def test_frames_that_bear_no_number_are_named(youtube_vos, tmp_path):
    for path in [*youtube_vos.rglob("00005.*")]:
        path.rename(path.with_stem("five"))

    with pytest.raises(DatasetError, match=r"five\.jpg must be named by its frame number"):
        prepare("ytb_vos", youtube_vos, tmp_path)


def test_a_destination_that_cannot_be_written_is_named(coco, tmp_path):
    (tmp_path / "crop511").write_text("a file where the folder should be")

    with pytest.raises(OutputError, match="crop511"):
        prepare("coco", coco, tmp_path, ["val2017"])


def test_what_cannot_be_prepared_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="coco, ytb_vos, vid, det"):
        prepare("imagenet", tmp_path, tmp_path)
    with pytest.raises(ConfigError, match="quality"):
        PrepareConfig(quality=0)


def run_command(*words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(word) for word in words]))


def test_the_command_reports_what_it_made(vid, tmp_path, capsys):
    words = ("vid", vid, tmp_path, "--split", "val", "--workers", "0")

    assert run_command(*words) == 0
    first = capsys.readouterr()
    assert run_command(*words, "--json") == 0
    second = capsys.readouterr()

    assert first.out == f"val: 1 crops of 1 videos, 1 new; {tmp_path / 'val.json'}\n"
    assert "vid val: 100%" in first.err
    (split,) = json.loads(second.out)["splits"]
    assert split == {
        "split": "val",
        "videos": 1,
        "crops": 1,
        "written": 0,
        "labels": [str(tmp_path / "val.json")],
    }
