"""Data sets that are not as they should be are errors that name what is wrong."""

import json

import numpy as np
import pytest

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark
from s2iammask_core.evaluation.sequences.folder import read_folder
from s2iammask_core.evaluation.sequences.frames import VideoFile
from s2iammask_core.files.pictures import read_picture


def broken_otb(root, files):
    files.frames(root / "a/img", 2)
    files.rows(root / "a/groundtruth_rect.txt", [(1, 2, 3, 4)] * 5)
    return "OTB", root, "a: 2 frames, but 5 boxes"


def broken_number(root, files):
    files.frames(root / "a/img", 1)
    files.rows(root / "a/groundtruth_rect.txt", [(1, "two", 3, 4)])
    return "OTB", root, "groundtruth_rect.txt, line 1: '1,two,3,4' is not a row of numbers"


def short_vot_truth(root, files):
    files.frames(root / "a", 3)
    files.rows(root / "a/groundtruth.txt", [(1, 2, 3, 4)] * 2)
    return "VOT2018", root, "a: 3 frames, but 2 rows"


def odd_vot_region(root, files):
    files.frames(root / "a", 1)
    files.rows(root / "a/groundtruth.txt", [(1, 2, 3, 4, 5)])
    return "VOT2018", root, "row 1: a region has 4 numbers, or 3 or more pairs of numbers, not 5"


def missing_annotation(root, files):
    (files.davis(root, ["cat"]) / "Annotations/480p/cat/00000.png").unlink()
    return "DAVIS2016", root, "sequence cat has no annotation for its first frame"


def missing_youtube_frame(root, files):
    (files.youtube(root) / "JPEGImages/v/00001.jpg").unlink()
    return "YTVOS2018", root, "lacks 1 of its frames, the first is 00001.jpg"


def broken_json(root, files):
    (root / "VOT2018.json").write_text('{"a": {"gt_rect": [')
    return "VOT2018", root, "VOT2018.json"


def json_without_truth(root, files):
    (root / "VOT2018.json").write_text('{"a": {"width": 3}}')
    return "VOT2018", root, "sequence a of the json file: missing or broken 'gt_rect'"


def json_list(root, files):
    (root / "VOT2018.json").write_text("[]")
    return "VOT2018", root, "must hold a json object, not list"


def json_of_two_lengths(root, files):
    record = {"img_names": ["1.jpg"], "gt_rect": [[0, 0, 9, 9]] * 2, "width": 40, "height": 30}
    (root / "VOT2018.json").write_text(json.dumps({"a": record}))
    return "VOT2018", root, "sequence a: 1 image names, but 2 ground truth regions"


def empty_list(root, files):
    (root / "list.txt").write_text("\n")
    return "VOT2018", root, r"the list .*list\.txt is empty"


def no_list(root, files):
    (files.davis(root, ["cat"]) / "ImageSets/2016/val.txt").unlink()
    return "DAVIS2016", root, r"cannot read .*val\.txt"


def no_object(root, files):
    files.labels(files.davis(root, ["cat"]) / "Annotations/480p/cat/00000.png", np.zeros((30, 40)))
    return "DAVIS2016", root, "the first annotation of sequence cat has no object"


def no_meta(root, files):
    return "YTVOS2019", root, r"cannot read .*meta\.json"


def late_object_without_mask(root, files):
    (files.youtube(root) / "Annotations/v/00002.png").unlink()
    return "YTVOS2019", root, "object 2 has no annotation in its first frame"


def no_otb_truth(root, files):
    files.frames(root / "a/img", 1)
    (root / "list.txt").write_text("a")
    return "OTB", root, r"there is no groundtruth_rect\.txt in .*a"


def endless_region(root, files):
    files.frames(root / "a", 2)
    files.rows(root / "a/groundtruth.txt", [(1, 2, 3, 4), ("1e39", 2, 3, 4)])
    return "VOT2018", root, "row 2: the region has numbers that are not finite"


def endless_box(root, files):
    files.frames(root / "a/img", 2)
    files.rows(root / "a/groundtruth_rect.txt", [(1, 2, 3, 4), ("inf", 2, 3, 4)])
    return "OTB", root, "line 2: the box has a number that is not finite"


def two_tags_of_a_frame(root, files):
    files.frames(root / "a", 2)
    files.rows(root / "a/groundtruth.txt", [(1, 2, 3, 4)] * 2)
    files.rows(root / "a/occlusion.tag", [(0,), (1, 0)])
    return "VOT2018", root, "occlusion.tag, line 2: a frame has one number, not 2"


def json_without_area(root, files):
    record = {"img_names": ["a.jpg"], "gt_rect": [[1, 2, 3, 4]], "width": 0, "height": 30}
    (root / "VOT2018.json").write_text(json.dumps({"a": record}))
    return "VOT2018", root, "width and height: 0x30"


def no_videos(root, files):
    (root / "meta.json").write_text('{"videos": {}}')
    return "YTVOS2018", root, "meta.json lists no video"


def unknown_name(root, files):
    return "VOT2020", root, "unknown data set 'VOT2020'"


def boxes_missing(root, files):
    return "folder", root, "needs a box file"


def empty_folder(root, files):
    return "VOT2018", root, "no sequence found"


def no_folder(root, files):
    return "DAVIS2017", root / "nowhere", "there is no"


@pytest.mark.parametrize(
    "breakage",
    [
        broken_otb, broken_number, short_vot_truth, odd_vot_region, missing_annotation, missing_youtube_frame,
        broken_json, empty_folder, no_folder, json_without_truth, json_list, json_of_two_lengths, empty_list,
        no_list, no_object, no_meta, late_object_without_mask, no_otb_truth, unknown_name, boxes_missing,
        endless_region, endless_box, two_tags_of_a_frame, json_without_area, no_videos,
    ],
)  # fmt: skip
def test_broken_data_is_an_error_that_names_it(tmp_path, files, breakage):
    name, root, message = breakage(tmp_path, files)

    with pytest.raises(DatasetError, match=message.replace("(", r"\(")):
        open_benchmark(Choice(name, root))


def test_a_split_that_there_is_not_is_an_error(tmp_path, files):
    files.frames(tmp_path / "a", 1)
    files.rows(tmp_path / "a/groundtruth.txt", [(1, 2, 10, 10)])

    with pytest.raises(DatasetError, match="VOT2018 has no split 'train'"):
        open_benchmark(Choice("VOT2018", tmp_path, split="train"))


def test_a_wrong_number_of_boxes_is_an_error(tmp_path, files):
    files.frames(tmp_path / "clip", 4)
    files.rows(tmp_path / "box.txt", [(1, 2, 3, 4)] * 2)

    with pytest.raises(DatasetError, match="2 boxes for 4 frames"):
        read_folder(tmp_path / "clip", tmp_path / "box.txt")


def test_a_video_that_ends_too_early_is_an_error(tmp_path, files):
    files.video(tmp_path / "clip.avi", 4)
    video = VideoFile(tmp_path / "clip.avi")

    with pytest.raises(DatasetError, match=r"clip\.avi: frame 4 of 4 cannot be decoded"):
        video.read(4)
    with pytest.raises(DatasetError, match="there is no video"):
        VideoFile(tmp_path / "nothing.avi")


def test_a_frame_that_cannot_be_decoded_is_named(tmp_path):
    (tmp_path / "1.jpg").write_bytes(b"no picture")

    with pytest.raises(DatasetError, match=r"1\.jpg"):
        read_picture(tmp_path / "1.jpg")


def test_a_sequence_that_there_is_not_is_named_with_those_like_it(tmp_path, files):
    root = files.davis(tmp_path / "davis", ["camel"])
    (tmp_path / "names.txt").write_text("camels\n")
    files.frames(tmp_path / "otb/Camel/img", 1)
    files.rows(tmp_path / "otb/Camel/groundtruth_rect.txt", [(1, 2, 3, 4)])
    (tmp_path / "otb.txt").write_text("Camels\n")

    with pytest.raises(DatasetError, match="camels"):
        open_benchmark(Choice("DAVIS2016", root, split=str(tmp_path / "names.txt")))
    with pytest.raises(DatasetError, match="'Camels'; did you mean Camel"):
        open_benchmark(Choice("OTB", tmp_path / "otb", split=str(tmp_path / "otb.txt")))
