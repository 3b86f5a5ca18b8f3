"""From first boxes to labels, in this process."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from s2iammask_core.batch.manifest import opened
from s2iammask_core.errors import DatasetError, ResultsError
from s2iammask_core.files.video_writer import video_writer
from s2iammask_core.spread import Workers
from s2iammask_core.tracking.tracker import Tracker

coco_tools = pytest.importorskip("pycocotools.coco")
from pycocotools import mask as coco_mask

RED = ("cup", 60, 80, 60, 40)
GREEN = ("ball", 220, 150, 40, 40)


def test_first_boxes_become_labels_of_every_frame(batch, table, frames, tmp_path, coco):
    frames(tmp_path / "a")

    done = batch(table(("a", 0, 1, *RED), ("a", 3, 2, "ball", 208, 150, 40, 40)))

    assert done.counts == {"done": 1}
    found = coco(done.out)
    assert sorted(found) == sorted([("a", n, 1) for n in range(10)] + [("a", n, 2) for n in range(3, 10)])
    assert found["a", 9, 1] == pytest.approx([60 + 54, 80, 60, 40], abs=3)
    assert found["a", 9, 2] == pytest.approx([220 - 36, 150, 40, 40], abs=3)


def test_coco_is_read_back_by_its_own_tools(batch, table, frames, tmp_path):
    frames(tmp_path / "a")

    done = batch(table(("a", 0, 7, *RED)))

    read = coco_tools.COCO(str(done.out / "coco.json"))
    (category,) = read.loadCats(read.getCatIds())
    assert category["name"] == "cup"
    for each in read.loadAnns(read.getAnnIds()):
        mask = read.annToMask(each)
        image = read.imgs[each["image_id"]]
        assert mask.shape == (image["height"], image["width"]) == (240, 320)
        assert each["track_id"] == 7
        assert int(mask.sum()) == each["area"] == coco_mask.area(each["segmentation"])
        assert (tmp_path / "a" / image["file_name"]).is_file()


def test_all_formats_hold_the_same_masks(batch, table, frames, tmp_path):
    frames(tmp_path / "a")

    out = batch(table(("a", 0, 1, *RED), ("a", 0, 2, *GREEN)), ("coco", "davis", "mots", "boxes")).out

    meta = json.loads((out / "davis/meta.json").read_text())["videos"]["a"]["objects"]
    assert {id_: each["category"] for id_, each in meta.items()} == {"1": "cup", "2": "ball"}
    assert meta["1"]["frames"] == [f"{number:05d}" for number in range(10)]
    for line in (out / "mots/a.txt").read_text().splitlines():
        frame, id_, kind, height, width, counts = line.split()
        mask = coco_mask.decode({"size": [int(height), int(width)], "counts": counts})
        with Image.open(out / f"davis/Annotations/a/{int(frame):05d}.png") as picture:
            assert picture.mode == "P"
            assert (int(id_) // 1000, int(id_) % 1000) == (int(kind), int(kind))
            assert np.array_equal(np.asarray(picture) == int(id_) % 1000, mask == 1)


def test_masks_that_overlap_are_told_apart_in_pictures_only(batch, table, frames, tmp_path):
    frames(tmp_path / "a")

    out = batch(table(("a", 0, 1, *RED), ("a", 0, 2, *RED)), ("coco", "davis")).out

    read = coco_tools.COCO(str(out / "coco.json"))
    one, two = read.loadAnns(read.getAnnIds(imgIds=[5]))
    assert one["segmentation"] == two["segmentation"]
    with Image.open(out / "davis/Annotations/a/00004.png") as picture:
        assert np.unique(picture).tolist() == [0, 1]


def test_a_mask_is_as_good_as_a_box(batch, table, frames, tmp_path, coco):
    frames(tmp_path / "a")
    labels = np.zeros((240, 320), np.uint8)
    labels[80:120, 60:120] = 3
    Image.fromarray(labels).save(tmp_path / "first.png")

    columns = ("recording", "frame", "id", "mask", "value")
    done = batch(table(("a", 0, 1, "first.png", 3), columns=columns))

    assert coco(done.out)["a", 0, 1] == [60, 80, 60, 40]
    assert coco(done.out)["a", 9, 1] == pytest.approx([114, 80, 60, 40], abs=3)


def test_a_second_run_tracks_nothing_again(batch, table, frames, tmp_path, contents):
    frames(tmp_path / "a")
    jobs = table(("a", 0, 1, *RED))
    first = batch(jobs)
    before = contents(first.out)

    second = batch(jobs)

    assert (first.frames, second.frames, second.counts) == (10, 0, {"done": 1})
    assert contents(second.out) == before


def test_what_was_tracked_is_known_by_its_content_and_not_by_its_name(batch, table, frames, tmp_path, coco):
    frames(tmp_path / "a")
    batch(table(("a", 0, 1, *RED)))

    shutil.move(tmp_path / "a", tmp_path / "b")
    moved = batch(table(("b", 0, 1, *RED)))
    shutil.rmtree(tmp_path / "b")
    frames(tmp_path / "b", start=70)
    changed = batch(table(("b", 0, 1, "cup", 70, 80, 60, 40)))

    assert (moved.frames, changed.frames) == (0, 10)
    assert {name for name, _, _ in coco(moved.out)} == {"b"}


def test_other_settings_are_other_work(batch, table, frames, tmp_path, recipe):
    frames(tmp_path / "a")
    jobs = table(("a", 0, 1, *RED))
    batch(jobs)

    recipe.settings["penalty_k"] = 0.2

    assert batch(jobs).frames == 10


def test_labels_of_recordings_that_are_not_asked_for_any_more_go(batch, table, frames, tmp_path):
    frames(tmp_path / "a")
    frames(tmp_path / "b")
    formats = ("davis", "mots")
    batch(table(("a", 0, 1, *RED), ("b", 0, 1, *RED)), formats)

    out = batch(table(("b", 0, 1, *RED)), formats).out

    assert [path.name for path in (out / "davis/Annotations").iterdir()] == ["b"]
    assert [path.name for path in (out / "mots").iterdir()] == ["b.txt"]


def test_a_recording_that_cannot_be_read_fails_alone(batch, table, frames, tmp_path, coco):
    frames(tmp_path / "a")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    jobs = table(("missing", 0, 1, *RED), ("broken.mp4", 0, 1, *RED), ("a", 0, 1, *RED))

    done = batch(jobs)

    assert done.counts == {"done": 1, "failed": 2}
    assert "missing" in done.failures["missing"]
    assert "broken.mp4" in done.failures["broken.mp4"]
    assert {name for name, _, _ in coco(done.out)} == {"a"}


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ((50, 1, *RED), "frame 50, where object 1 begins, lies behind the recording's end"),
        ((0, 1, "cup", 900, 80, 60, 40), "outside"),
        ((0, 1, "cup", "", "", "", ""), "no box and no mask"),
    ],
)
def test_a_start_that_cannot_be_is_the_reason(batch, table, frames, tmp_path, start, words):
    frames(tmp_path / "a")

    done = batch(table(("a", *start)))

    assert done.counts == {"failed": 1}
    assert words in done.failures["a"]


class Failing:
    """Its trackers see nothing."""

    def __init__(self, network):
        self.network = network
        self.made = 0

    def make(self):
        self.made += 1
        return Blind.of(self.network)

    def describe(self):
        return {}


class Blind(Tracker):
    def start(self, frame, targets, ids=None):
        raise OSError("the disk is gone")


def test_what_failed_is_tried_again_only_if_asked(batch, table, frames, tmp_path, network):
    frames(tmp_path / "a")
    jobs, recipe = table(("a", 0, 1, *RED)), Failing(network)

    tries = []
    for again in (False, False, True):
        done = batch(jobs, recipe=recipe, again=again, workers=Workers(retries=1))
        tries.append(recipe.made)

    assert done.failures == {"a": "ReadError: the disk is gone"}
    assert tries == [2, 2, 4]


def test_two_processes_do_not_work_in_one_folder(batch, table, frames, tmp_path):
    frames(tmp_path / "a")

    with opened(tmp_path / "labels"), pytest.raises(ResultsError, match="another process works in"):
        batch(table(("a", 0, 1, *RED)))


def test_an_empty_table_is_an_error(batch, table):
    with pytest.raises(DatasetError, match="no recording is asked for"):
        batch(table())


def test_a_recording_is_split_only_where_no_object_is_cut(batch, table, frames, tmp_path, coco):
    frames(tmp_path / "a", count=12)
    split = [(0, 1, *RED), (6, 1, "cup", 96, 80, 60, 40)]
    whole = [*split, (0, 2, *GREEN)]

    parts = batch(table(*(("a", *start) for start in split)), out="parts", least=3)
    one = batch(table(*(("a", *start) for start in whole)), out="one", least=3)

    found = {key: box for key, box in coco(one.out).items() if key[2] == 1}
    assert coco(parts.out) == found
    assert (parts.frames, one.frames) == (12, 12)


def test_recordings_of_the_same_name_are_told_apart(batch, table, frames, tmp_path, coco):
    frames(tmp_path / "one/front")
    frames(tmp_path / "two/front")

    done = batch(table(("one/front", 0, 1, *RED), ("two/front", 0, 1, *RED)))

    names = {name for name, _, _ in coco(done.out)}
    assert len(names) == 2
    assert all(name.startswith("front-") for name in names)


def test_objects_without_ids_are_numbered(batch, table, frames, tmp_path, coco):
    frames(tmp_path / "a")

    done = batch(table(("a", 0, "", *RED), ("a", 0, 1, *GREEN)))

    assert coco(done.out)["a", 0, 2] == [60, 80, 60, 40]


def test_a_video_is_a_recording_too(batch, table, tmp_path, scene, colours, coco):
    with video_writer(tmp_path / "clip.mp4", 10.0) as writer:
        for number in range(8):
            writer.write(scene((60 + 6 * number, 80, 60, 40, colours[0])))

    done = batch(table(("clip.mp4", 2, 1, "cup", 72, 80, 60, 40)), ("coco", "images"))

    assert coco(done.out)["clip", 7, 1] == pytest.approx([102, 80, 60, 40], abs=4)
    names = [image["file_name"] for image in json.loads((done.out / "coco.json").read_text())["images"]]
    assert names == [f"clip/{number:05d}.jpg" for number in range(2, 8)]
    assert all((done.out / "images" / name).is_file() for name in names)


def test_a_url_is_fetched_while_it_is_needed(batch, table, frames, tmp_path, coco):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.put(str(frames(tmp_path / "a")), "/robot/a", recursive=True)

    done = batch(table(("memory://robot/a", 0, 1, *RED)))

    assert done.counts == {"done": 1}
    assert coco(done.out)["a", 9, 1] == pytest.approx([114, 80, 60, 40], abs=3)
