"""Readers of COCO, ImageNet-VID and ImageNet-DET."""

import pickle
import shutil

import numpy as np
import pytest

from s2iammask_core.boxes import Box
from s2iammask_core.data.readers.coco import read_coco
from s2iammask_core.data.readers.imagenet_det import read_imagenet_det
from s2iammask_core.data.readers.imagenet_vid import read_imagenet_vid
from s2iammask_core.errors import DatasetError


def test_coco_gives_the_pictures_that_have_objects(coco):
    found = read_coco(coco)

    (video,) = found.videos
    assert video.name == "train2017/000000000009"
    assert list(video.frames) == [coco / "train2017" / "000000000009.jpg"]
    assert (found.frame_range, found.num_use, found.has_masks) == (1, None, True)


def test_coco_objects_without_area_and_crowds_are_left_out(coco):
    (video,) = read_coco(coco).videos

    assert {track: frames[0].box for track, frames in video.tracks.items()} == {
        0: Box(60, 40, 120, 80),
        2: Box(10, 20, 40, 50),
    }


def test_coco_crowds_are_kept_when_asked_for_and_change_no_other_id(coco):
    (video,) = read_coco(coco, crowds=True).videos

    assert list(video.tracks) == [0, 1, 2]
    assert video.tracks[1][0].mask.load().all()


@pytest.mark.parametrize("track", [0, 2])
def test_coco_masks_from_polygons_and_run_lengths_fill_their_boxes(coco, track):
    annotation = read_coco(coco).videos[0].tracks[track][0]

    mask = annotation.mask.load()

    x1, y1, x2, y2 = map(int, (annotation.box.x1, annotation.box.y1, annotation.box.x2, annotation.box.y2))
    assert mask.shape == (120, 160)
    assert mask[y1:y2, x1:x2].all()
    assert mask.sum() == annotation.box.area


def test_a_coco_object_without_outline_has_no_mask(coco, drawing):
    annotation = {"image_id": 1, "bbox": [1, 2, 3, 4], "segmentation": []}
    images = [{"id": 1, "file_name": "a.jpg", "height": 10, "width": 10}]
    drawing.text("annotations/instances_train2017.json", {"images": images, "annotations": [annotation]})

    assert read_coco(coco).videos[0].tracks[0][0].mask is None


def test_coco_of_two_parts_has_both_in_one_mask(coco, drawing):
    parts = [[1, 1, 4, 1, 4, 5, 1, 5], [6, 2, 9, 2, 9, 8, 6, 8]]
    other = {"image_id": 1, "bbox": [0, 0, 2, 2], "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]]}
    annotation = {"image_id": 1, "bbox": [1, 1, 8, 7], "segmentation": parts}
    images = [{"id": 1, "file_name": "a.jpg", "height": 10, "width": 10}]
    drawing.text(
        "annotations/instances_train2017.json", {"images": images, "annotations": [other, annotation, other]}
    )

    masks = [track[0].mask.load() for track in read_coco(coco).videos[0].tracks.values()]

    assert [mask.sum() for mask in masks] == [4, 3 * 4 + 3 * 6, 4]


@pytest.mark.parametrize(
    "content",
    [
        "no json",
        "[]",
        {"images": []},
        {"images": [{"id": 1}], "annotations": []},
        {"images": [], "annotations": [{"image_id": 5, "bbox": [1, 2, 3, 4]}]},
        {
            "images": [{"id": 1, "file_name": "a", "height": 4, "width": 4}],
            "annotations": [{"image_id": 1, "bbox": 3}],
        },
    ],
)
def test_a_broken_coco_file_is_named(coco, drawing, content):
    drawing.text("annotations/instances_train2017.json", content)

    with pytest.raises(DatasetError, match=r"instances_train2017\.json"):
        read_coco(coco)


def test_folders_and_files_that_coco_lacks_are_named(coco):
    with pytest.raises(DatasetError, match=r"no folder .*test2017"):
        read_coco(coco, "test2017")
    (coco / "annotations/instances_val2017.json").unlink()
    with pytest.raises(DatasetError, match=r"cannot read .*instances_val2017\.json"):
        read_coco(coco, "val2017")


def test_a_vid_track_keeps_all_of_its_frames_across_a_gap(vid):
    found = read_imagenet_vid(vid)

    (video,) = found.videos
    assert video.name == "ILSVRC2015_VID_train_0000/ILSVRC2015_train_00010001"
    assert {track: list(frames) for track, frames in video.tracks.items()} == {
        0: [0, 1, 4, 5],
        4: [*range(6)],
    }
    assert (found.frame_range, found.num_use, found.has_masks) == (100, 200_000, False)


def test_vid_boxes_and_frames_belong_together(vid):
    (video,) = read_imagenet_vid(vid).videos

    assert video.tracks[0][4].box == Box.from_xywh(36, 40, 30, 20)
    assert video.tracks[0][4].mask is None
    assert video.frames[4].relative_to(vid).parts[:3] == ("Data", "VID", "train")
    assert video.frames[4].name == "000004.JPEG"


def test_the_val_split_of_vid_has_no_subsets(vid):
    (video,) = read_imagenet_vid(vid, "val").videos

    assert video.name == "val/ILSVRC2015_val_00007000"
    assert all(path.is_file() for path in video.frames)


def test_det_gives_each_picture_with_objects_as_a_video_of_one_frame(det):
    found = read_imagenet_det(det)

    (video,) = found.videos
    assert video.name == "ILSVRC2013_train/n01440764/n01440764_2"
    assert list(video.frames) == [det / "Data/DET/train/ILSVRC2013_train/n01440764/n01440764_2.JPEG"]
    assert {track: frames[0].box for track, frames in video.tracks.items()} == dict.fromkeys(
        (0, 1), Box(50, 40, 80, 60)
    )
    assert (found.frame_range, found.num_use, found.has_masks) == (1, 100_000, False)


BOX_OF_XML = (
    "<annotation><object><trackid>0</trackid><bndbox><xmin>{}</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"
    "</bndbox></object></annotation>"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<annotation><object>", "no element|mismatched|unclosed"),
        ("<annotation><object><trackid>0</trackid></object></annotation>", "bndbox"),
        ("<annotation><object><trackid>x</trackid></object></annotation>", "invalid literal"),
        ('<?xml version="1.0" encoding="utf-99"?><annotation/>', "unknown encoding"),
        (BOX_OF_XML.format(10**12), "int32|out of bounds|too large"),
        (BOX_OF_XML.format("inf"), "infinity"),
    ],
)
def test_a_broken_xml_is_named(vid, drawing, content, message):
    name = "Annotations/VID/val/ILSVRC2015_val_00007000/000000.xml"
    drawing.text(name, content)

    with pytest.raises(DatasetError, match=rf"000000\.xml .*({message})"):
        read_imagenet_vid(vid, "val")


@pytest.mark.parametrize(
    "lost", ["Annotations/VID/train", "Data/VID/train", "Data/VID/train/ILSVRC2015_VID_train_0000"]
)
def test_folders_that_vid_lacks_are_named(vid, lost):
    shutil.rmtree(vid / lost)

    with pytest.raises(DatasetError, match=rf"no folder .*{lost}.*"):
        read_imagenet_vid(vid)


def test_a_det_split_without_objects_is_an_error(det):
    shutil.rmtree(det / "Annotations/DET/train/ILSVRC2013_train")

    with pytest.raises(DatasetError, match="no annotated object"):
        read_imagenet_det(det)


def test_a_large_coco_file_stays_small(coco, drawing):
    """What a set of n annotations costs a worker that receives it, beyond the outlines themselves."""
    count = 2000
    outline = np.arange(20).tolist()
    annotations = [
        {"image_id": i % 50, "bbox": [0, 1, 18, 18], "segmentation": [outline]} for i in range(count)
    ]
    images = [{"id": i, "file_name": f"{i:012d}.jpg", "height": 10, "width": 10} for i in range(50)]
    drawing.text("annotations/instances_train2017.json", {"images": images, "annotations": annotations})

    assert len(pickle.dumps(read_coco(coco))) < count * (20 * 4 + 120)
