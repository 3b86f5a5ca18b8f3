import numpy as np
import pytest

from s2iammask_core.data.readers.crops import CropSetting, read_crops
from s2iammask_core.errors import DatasetError
from s2iammask_core.training.settings import from_nested
from s2iammask_core.training.setup import read_sets

SETTING = CropSetting("mine", frame_range=20, num_use=None, has_masks=True)
LABELS = {
    "train/a": {
        "00": {
            "000000": [10, 20, 50, 60],
            "000003": [10, 20, 110, 60],
            "000010": [0, 0, 0, 9],
            "hard": [1],
        },
        "02": {"000003": [30, 60]},
        "meta": {},
    },
    "train/b": {},
}


@pytest.fixture
def labels(drawing):
    drawing.text("train.json", LABELS)
    (drawing.root / "crop511").mkdir()
    return drawing.root / "train.json"


def read(labels, setting=SETTING):
    return read_crops(labels.parent / "crop511", labels, setting)


def test_the_frames_of_a_video_are_its_crops_track_after_track(labels):
    found = read(labels)

    (video,) = found.videos
    assert (found.name, video.name, found.frame_range) == ("mine", "train/a", 20)
    names = [video.frames[frame].name for track in video.tracks.values() for frame in track]
    assert names == ["000000.00.x.jpg", "000003.00.x.jpg", "000003.02.x.jpg"]
    assert list(video.tracks) == [0, 2]


def test_the_object_is_in_the_middle_at_the_scale_of_the_template(labels):
    (video,) = read(labels).videos

    square, wide = (annotation.box for annotation in video.tracks[0].values())

    assert square.center == pytest.approx((255.5, 255.5))
    assert wide.center == pytest.approx((255.5, 255.5))
    assert square.width == pytest.approx(127 / 2)  # a square of 40 has a context of 80
    assert wide.width / wide.height == pytest.approx(100 / 40)
    margin = (wide.width + wide.height) / 2
    assert (wide.width + margin) * (wide.height + margin) == pytest.approx(127**2, rel=1e-5)


def test_a_box_may_be_given_by_its_size_alone(labels):
    (video,) = read(labels).videos
    (box,) = (annotation.box for annotation in video.tracks[2].values())

    assert box.height / box.width == pytest.approx(2)


def test_the_mask_lies_beside_the_crop(labels, drawing):
    (video,) = read(labels).videos
    drawing.labels("crop511/train/a/000003.02.m.png", {3: (0, 0, 4, 4)})

    (annotation,) = video.tracks[2].values()

    np.testing.assert_array_equal(np.nonzero(annotation.mask.load())[0].max(), 3)


def test_crops_without_masks_are_read_as_such(labels):
    found = read(labels, CropSetting("boxes", 100, 5, has_masks=False))

    assert [annotation.mask for annotation in found.videos[0].tracks[2].values()] == [None]
    assert (found.has_masks, found.num_use) == (False, 5)


def test_hard_frames_are_positions_among_those_whose_box_has_an_area(labels):
    (video,) = read(labels).videos

    assert {track: list(positions) for track, positions in video.hard.items()} == {0: [1]}


@pytest.mark.parametrize("hard", [[2], [-1], ["000003"], 1])
def test_a_hard_list_that_names_no_frame_is_refused(labels, drawing, hard):
    track = {"000000": [10, 20], "000003": [10, 20], "000010": [0, 9], "hard": hard}
    drawing.text("train.json", {"train/c": {"00": track}})

    with pytest.raises(DatasetError, match=r"train\.json, video train/c"):
        read(labels)


@pytest.mark.parametrize("video", [["00"], {"00": [1]}, {"00": {"000000": 5}}, {"00": {"000000": [1, 2, 3]}}])
def test_a_video_that_is_broken_is_named(labels, drawing, video):
    drawing.text("train.json", {**LABELS, "train/c": video})

    with pytest.raises(DatasetError, match=r"train\.json, video train/c"):
        read(labels)


def test_folders_and_files_that_are_missing_are_named(labels):
    with pytest.raises(DatasetError, match=r"no folder .*elsewhere"):
        read_crops(labels.parent / "elsewhere", labels, SETTING)
    with pytest.raises(DatasetError, match=r"cannot read .*val\.json"):
        read_crops(labels.parent, labels.with_name("val.json"), SETTING)


@pytest.mark.parametrize("masks", [True, False])
def test_a_training_names_a_folder_of_prepared_crops(labels, masks):
    options = {"labels": "train.json", "masks": masks, "num_use": 7, "frame_range": 3}
    entry = {"kind": "crops", "root": str(labels.parent), "options": options}

    (found,) = read_sets(from_nested({"data": [entry]}))

    assert (found.num_use, found.frame_range, found.has_masks) == (7, 3, masks)
    assert found.videos[0].frames[0] == labels.parent / "crop511/train/a/000000.00.x.jpg"
    assert (found.videos[0].tracks[2][3].mask is not None) == masks
