"""Pictures with masks and an index."""

import json

import cv2
import numpy as np
import pytest

from s2iammask_core.boxes import Box
from s2iammask_core.data.stills import read_stills
from s2iammask_core.errors import DatasetError


@pytest.fixture
def root(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    mask = np.zeros((60, 80), np.uint8)
    mask[10:40, 20:50], mask[50:55, 60:70], mask[0:5] = 1, 2, 255
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.full((60, 80, 3), 7, np.uint8))
    cv2.imwrite(str(tmp_path / "masks" / "a.png"), mask)
    objects = {"1": {"area": 900, "box": [20, 10, 30, 30]}, "2": {"area": 50}}  # a corner and sides
    (tmp_path / "index.json").write_text(json.dumps({"a": {"objects": objects}}))
    return tmp_path


def test_an_object_has_the_box_of_its_mask_whatever_the_index_says(root):
    (video,) = read_stills(root).videos

    annotation = video.tracks[1][0]
    assert annotation.box == Box(20, 10, 50, 40)
    assert annotation.mask.load().sum() == 900


def test_objects_too_small_to_learn_from_are_left_out(root):
    (video,) = read_stills(root).videos
    assert list(video.tracks) == [1]


def test_a_picture_that_the_index_names_and_is_not_there_is_an_error(root):
    (root / "images" / "a.png").unlink()
    with pytest.raises(DatasetError, match="no picture a"):
        read_stills(root)


def test_a_folder_without_an_index_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match=r"index\.json"):
        read_stills(tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([], "must hold a json object"),
        ({}, "names no object"),
        ({"a": {}}, "picture a.*objects"),
        ({"a": {"objects": {"1": {}}}}, "picture a.*area"),
        ({"a": {"objects": {"1": {"area": 300}}}}, "names no object"),
        ({"a": {"objects": {"7": {"area": 900}}}}, "no pixel of object 7"),
    ],
)
def test_an_index_that_is_broken_or_names_nothing_is_an_error(root, content, complaint):
    (root / "index.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=complaint):
        read_stills(root)
