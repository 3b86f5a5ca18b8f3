"""Tables and annotations of other programs, as starts of objects."""

import json

import numpy as np
import pytest
from PIL import Image

from s2iammask_core.batch.reading import read_rows
from s2iammask_core.boxes import Box
from s2iammask_core.errors import DatasetError

BOX = Box(10, 20, 40, 60)  # x 10, y 20, 30 wide, 40 high


@pytest.fixture
def pictures(tmp_path):
    """A folder of three pictures, numbered from 7."""
    folder = tmp_path / "JPEGImages/clip"
    folder.mkdir(parents=True)
    for number in (7, 8, 10):
        Image.new("RGB", (64, 48)).save(folder / f"{number}.jpg")
    return folder


def written(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def only(path):
    (row,) = read_rows(path)
    return row


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("jobs.csv", "recording,frame,id,label,x,y,width,height\nclip.mp4,3,2,cup,10,20,30,40\n"),
        ("bom.csv", "\ufeffrecording,frame,id,label,x,y,width,height\nclip.mp4,3,2,cup,10,20,30,40\n\n"),
        (
            "jobs.jsonl",
            '{"recording": "clip.mp4", "frame": 3, "id": 2, "label": "cup", "box": [10, 20, 30, 40]}\n',
        ),
    ],
)
def test_a_row_of_a_table_is_a_start(tmp_path, name, content):
    row = only(written(tmp_path / name, content))

    assert row.source == str(tmp_path / "clip.mp4")
    assert (row.start.at, row.start.id, row.start.label, row.start.box) == (3, 2, "cup", BOX)


def test_parquet_is_a_table_too(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"recording": ["s3://fleet/bag"], "topic": ["/camera"], "stamp": [1_700_000_000_000_000_001]}
    columns |= {"x": [10.0], "y": [20.0], "width": [30.0], "height": [40.0], "id": [None]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "jobs.parquet")

    row = only(tmp_path / "jobs.parquet")

    assert (row.source, row.topic) == ("s3://fleet/bag", "/camera")
    assert (row.start.at, row.start.stamped, row.start.id) == (1_700_000_000_000_000_001, True, 0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (",0,1,,1,2,3,4", "a row needs a recording"),
        ("a,0,1,,1,2,3,", "the box has no height"),
        ("a,0,1,,1,2,3,x", "no four numbers"),
        ("a,-1,1,,1,2,3,4", "frame must be a whole number of 0 or more"),
        ("a,0.5,1,,1,2,3,4", "frame must be a whole number of 0 or more"),
        ("a,0,1,,1,2,3,4,5", "more values than there are columns"),
    ],
)
def test_a_broken_row_is_named(tmp_path, line, words):
    path = written(tmp_path / "jobs.csv", f"recording,frame,id,label,x,y,width,height\n{line}\n")

    with pytest.raises(DatasetError, match=f"jobs.csv, row 2: .*{words}"):
        list(read_rows(path))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("jobs.csv", "recording,bbox\na,1\n", "unknown column 'bbox'"),
        ("jobs.jsonl", "[1]\n", "must be a json object, not list"),
        ("jobs.jsonl", "{\n", "row 1"),
        ("jobs.parquet", "no parquet", "is no parquet table"),
        ("jobs.txt", "", "must end in .csv"),
        ("jobs.json", {"what": 1}, "is no json of COCO"),
        ("jobs.json", "{", "cannot be read as json"),
        ("jobs.json", {"images": [], "annotations": [{"image_id": 3}]}, "image 3, which is not there"),
        ("jobs.json", {"images": [{}], "annotations": []}, "is broken: KeyError"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path, name, content, words):
    path = written(tmp_path / name, content)

    with pytest.raises(DatasetError, match=words):
        list(read_rows(path))


def test_of_coco_a_picture_is_a_frame_of_its_folder(tmp_path, pictures):
    path = written(
        tmp_path / "coco.json",
        {
            "images": [{"id": 5, "file_name": "JPEGImages/clip/8.jpg", "width": 64, "height": 48}],
            "categories": [{"id": 3, "name": "cup"}],
            "annotations": [{"id": 1, "image_id": 5, "category_id": 3, "bbox": [10, 20, 30, 40]}],
        },
    )

    row = only(path)

    assert (row.source, row.start.at, row.start.label, row.start.box) == (str(pictures), 1, "cup", BOX)


def test_of_coco_a_picture_may_belong_to_a_video(tmp_path):
    mask = {"size": [48, 64], "counts": [0, 48, 3024]}
    path = written(
        tmp_path / "coco.json",
        {
            "videos": [{"id": 1, "name": "front", "file_name": "clip.mp4"}],
            "images": [{"id": 5, "video_id": 1, "frame_id": 12, "width": 64, "height": 48}],
            "annotations": [{"id": 1, "image_id": 5, "track_id": 9, "segmentation": mask}],
        },
    )

    row = only(path)

    assert (row.source, row.name, row.start.at, row.start.id) == (str(tmp_path / "clip.mp4"), "front", 12, 9)
    assert json.loads(row.start.mask) == mask


def test_a_mask_of_another_size_than_its_picture_is_named(tmp_path, pictures):
    images = [{"id": 5, "file_name": "JPEGImages/clip/8.jpg", "width": 64, "height": 48}]
    mask = {"size": [64, 48], "counts": "x"}
    annotations = [{"id": 7, "image_id": 5, "segmentation": mask}]

    with pytest.raises(DatasetError, match=r"picture .*8\.jpg, annotation 7: .* \[64, 48\].*exchanged"):
        list(read_rows(written(tmp_path / "c.json", {"images": images, "annotations": annotations})))


def test_of_youtube_vos_objects_begin_with_their_masks(tmp_path, pictures):
    labels = tmp_path / "Annotations/clip"
    labels.mkdir(parents=True)
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(labels / "8.png")
    objects = {"2": {"category": "dog", "frames": ["8", "10"]}}
    path = written(tmp_path / "meta.json", {"videos": {"clip": {"objects": objects}}})

    row = only(path)

    assert (row.source, row.name, row.start.at) == (str(pictures), "clip", 1)
    assert (row.start.id, row.start.label, row.start.value) == (2, "dog", 2)
    assert row.start.mask == str(labels / "8.png")


def rectangle(frame, **more):
    return {"type": "rectangle", "frame": frame, "points": [10, 20, 40, 60], "label": "cup", **more}


def test_of_cvat_a_track_begins_with_its_first_box_and_ends_outside(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/clip.mp4").touch()
    written(tmp_path / "task.json", {"name": "front camera"})
    track = {"label": "cup", "frame": 2, "shapes": [rectangle(2), rectangle(5), rectangle(9, outside=True)]}
    job = {"version": 0, "tags": [], "shapes": [rectangle(4)], "tracks": [track]}

    first, gone, single = read_rows(written(tmp_path / "annotations.json", [job]))

    assert (first.source, first.name) == (str(tmp_path / "data/clip.mp4"), "front camera")
    assert (first.start.at, first.start.id, first.start.box) == (2, 1, BOX)
    assert (gone.start.at, gone.start.id, gone.start.gone) == (9, 1, True)
    assert (single.start.at, single.start.id, single.start.label) == (4, 2, "cup")


def test_of_label_studio_boxes_are_in_percent_and_frames_count_from_one(tmp_path):
    box = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "enabled": True}
    sequence = [{**box, "frame": 3}, {**box, "frame": 8, "enabled": False}]
    value = {"sequence": sequence, "labels": ["cup"], "framesCount": 20}
    result = {"type": "videorectangle", "to_name": "video", "value": value}
    task = {"data": {"video": "/data/local-files/?d=clip.mp4"}, "annotations": [{"result": [result]}]}

    first, gone = read_rows(written(tmp_path / "tasks.json", [task]))

    assert first.source == str(tmp_path / "clip.mp4")
    assert (first.start.at, first.start.label, first.start.box) == (2, "cup", BOX)
    assert first.start.percent
    assert (gone.start.at, gone.start.gone) == (8, True)


def test_of_label_studio_a_picture_is_a_frame_of_its_folder(tmp_path, pictures):
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rectanglelabels": ["cup"]}
    result = {"type": "rectanglelabels", "to_name": "image", "value": value}
    task = {"data": {"image": str(pictures / "10.jpg")}, "annotations": [{"result": [result]}]}

    row = only(written(tmp_path / "tasks.json", [task]))

    assert (row.source, row.start.at, row.start.label) == (str(pictures), 2, "cup")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_in_whatever_encoding_editors_save_it(tmp_path, encoding):
    table = "recording,frame,id,x,y,width,height\r\nclip.mp4,3,2,10,20,30,40\r\n"
    lines = json.dumps({"recording": "clip.mp4", "frame": 3, "id": 2, "box": [10, 20, 30, 40]}) + "\r\n"

    for name, content in (("jobs.csv", table), ("jobs.jsonl", lines)):
        (tmp_path / name).write_bytes(content.encode(encoding))

        assert only(tmp_path / name).start.box == BOX


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bbox": [1, 2, 3]}, "the box .* is no four numbers"),
        ({"bbox": [1, 2, float("nan"), 4]}, "not finite"),
        ({"bbox": [1, 2, -3, 4]}, "has no area"),
        ({"bbox": [10**400, 2, 3, 4]}, "is no four numbers"),
        ({"track_id": float("inf")}, "track_id must be a whole number of 0 or more, got inf"),
        ({"track_id": 1.5}, "track_id must be a whole number"),
        ({"segmentation": [[1, 1, 5, 5]]}, "an outline has 3 or more pairs of numbers"),
        ({"segmentation": [[50, 40, 60, 40, 60, 47]]}, "does not fit its outline"),
        ({"segmentation": {"size": [48, 64], "counts": [0, 9]}}, "sum to 9, the picture has 3072"),
        ({"segmentation": {"size": [48, 64], "counts": [3072]}}, "hold no pixel"),
        ({"segmentation": {"size": [48, 64]}}, "counts"),
    ],
)
def test_what_cannot_be_right_in_coco_is_named_by_picture_and_annotation(tmp_path, pictures, changes, said):
    images = [{"id": 5, "file_name": "JPEGImages/clip/8.jpg", "width": 64, "height": 48}]
    annotations = [{"id": 7, "image_id": 5, "bbox": [10, 20, 30, 20], **changes}]
    path = written(tmp_path / "c.json", {"images": images, "annotations": annotations})

    with pytest.raises(DatasetError, match=rf"c\.json: picture .*8\.jpg, annotation 7: .*{said}"):
        list(read_rows(path))


def test_a_picture_of_another_size_than_coco_says_is_named(tmp_path, pictures):
    images = [{"id": 5, "file_name": "JPEGImages/clip/8.jpg", "width": 640, "height": 480}]
    annotations = [{"id": 7, "image_id": 5, "bbox": [10, 20, 30, 20]}]

    with pytest.raises(DatasetError, match=r"8\.jpg is said to be 640x480, but it is 64x48"):
        list(read_rows(written(tmp_path / "c.json", {"images": images, "annotations": annotations})))


@pytest.mark.parametrize(
    "row",
    [
        {"recording": ["a"]},
        {"recording": "a\0b"},
        {"recording": "a", "mask": [1]},
        {"recording": "a", "label": {"a": 1}},
        {"recording": "a", "frame": True},
        {"recording": "a", "box": [1, 2, float("inf"), 4]},
    ],
)
def test_values_of_another_kind_than_their_column_are_refused(tmp_path, row):
    with pytest.raises(DatasetError, match=r"jobs\.jsonl, row 1: "):
        list(read_rows(written(tmp_path / "jobs.jsonl", json.dumps(row))))


def test_a_quote_that_does_not_end_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="unexpected end of data"):
        list(read_rows(written(tmp_path / "jobs.csv", 'recording,frame\n"clip.mp4,3\n')))
