"""Readers of videos with label pictures: YouTube-VOS and DAVIS."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from s2iammask_core.boxes import Box
from s2iammask_core.data.readers import scan
from s2iammask_core.data.readers.davis import read_davis
from s2iammask_core.data.readers.youtube_vos import read_youtube_vos
from s2iammask_core.errors import DatasetError

DAVIS = Path(__file__).parents[4] / "shared" / "data" / "davis" / "train"


def test_youtube_vos_gives_its_videos_in_the_order_of_the_list(youtube_vos):
    found = read_youtube_vos(youtube_vos)

    assert [video.name for video in found.videos] == ["train/bb22", "train/aa11"]
    assert (found.frame_range, found.num_use, found.has_masks) == (20, 200_000, True)


def test_youtube_vos_tracks_hold_the_frames_that_show_the_object(youtube_vos):
    video = read_youtube_vos(youtube_vos).videos[1]

    assert {track: list(frames) for track, frames in video.tracks.items()} == {1: [0, 1, 2], 3: [0]}
    assert [path.name for path in video.frames] == ["00000.jpg", "00005.jpg", "00010.jpg"]
    assert video.tracks[1][2].box == Box.from_xywh(30, 30, 40, 30)


def test_masks_are_those_of_the_object_alone(youtube_vos):
    mask = read_youtube_vos(youtube_vos).videos[1].tracks[3][0].mask.load()

    assert mask.shape == (120, 160)
    assert mask[60:110, 100:150].all()
    assert mask.sum() == 50 * 50


@pytest.mark.parametrize(("min_area", "tracks"), [(1000, [1]), (400, [1]), (399, [1, 2])])
def test_youtube_vos_leaves_small_objects_out(youtube_vos, min_area, tracks):
    video = read_youtube_vos(youtube_vos, min_area=min_area).videos[0]

    assert list(video.tracks) == tracks


def test_davis_2016_has_one_object_and_2017_has_each(davis):
    (one,) = read_davis(davis, year=2016).videos
    (several,) = read_davis(davis, year=2017).videos

    assert one.tracks[1][1].box == Box(20, 30, 100, 70)
    assert one.tracks[1][1].mask.load().sum() == 40 * 30 + 20 * 20
    assert [several.tracks[track][0].box for track in (1, 2)] == [Box(20, 30, 60, 60), Box(80, 50, 100, 70)]
    assert several.tracks[2][0].mask.load().sum() == 20 * 20


def test_pixels_that_are_void_are_no_object(davis, drawing):
    drawing.labels("Annotations/480p/boat/00000.png", {1: (20, 30, 40, 30), 255: (0, 0, 9, 9)})

    (video,) = read_davis(davis, year=2017).videos

    assert list(video.tracks) == [1, 2]
    assert list(video.tracks[2]) == [1]


def test_the_list_of_the_davis_2016_release_is_understood(davis, drawing):
    (davis / "ImageSets/2016/train.txt").unlink()
    lines = [f"/JPEGImages/480p/dog/{n:05d}.jpg /Annotations/480p/dog/{n:05d}.png" for n in range(2)]
    drawing.text("ImageSets/480p/train.txt", "\n".join(lines))

    assert [video.name for video in read_davis(davis).videos] == ["dog"]


@pytest.mark.skipif(not DAVIS.is_dir(), reason=f"there is no {DAVIS}")
def test_davis_as_it_was_resized_for_training_is_read():
    found = read_davis(DAVIS)

    assert len(found.videos) == 30
    assert 2050 < sum(len(video.tracks[1]) for video in found.videos) <= 2079
    annotation = found.videos[0].tracks[1][0]
    rows, columns = np.nonzero(annotation.mask.load())
    assert annotation.box == Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


BROKEN = [
    ("train/JPEGImages/aa11/00005.jpg", r"aa11/00005\.jpg is missing"),
    ("train/JPEGImages/aa11", r"no folder .*aa11"),
    ("train/Annotations", r"no folder .*Annotations"),
    ("train/meta.json", r"cannot read .*meta\.json"),
    ("train", r"no folder .*train"),
]


@pytest.mark.parametrize(("path", "message"), BROKEN)
def test_what_youtube_vos_lacks_is_named(youtube_vos, path, message):
    lost = youtube_vos / path
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()

    with pytest.raises(DatasetError, match=message):
        read_youtube_vos(youtube_vos)


@pytest.mark.parametrize("content", ["{", "[]", '{"videos": []}'])
def test_a_broken_list_of_videos_is_named(youtube_vos, drawing, content):
    drawing.text("train/meta.json", content)

    with pytest.raises(DatasetError, match=r"meta\.json"):
        read_youtube_vos(youtube_vos)


def test_a_broken_label_picture_is_named(davis, drawing):
    drawing.text("Annotations/480p/boat/00001.png", "no picture")

    with pytest.raises(DatasetError, match=r"cannot read the picture .*boat/00001\.png"):
        read_davis(davis)


def test_a_split_or_year_that_davis_has_not_is_an_error(davis):
    with pytest.raises(DatasetError, match=r"cannot read .*val\.txt"):
        read_davis(davis, "val")
    with pytest.raises(DatasetError, match="2016 and 2017"):
        read_davis(davis, year=2018)


@pytest.fixture
def cached(monkeypatch):
    monkeypatch.setattr(scan, "CACHED_FROM", 1)


@pytest.mark.usefixtures("cached")
def test_boxes_of_many_files_are_kept_and_found_again(davis):
    before = read_davis(davis, year=2017).videos[0].tracks[2][1].box
    (stored,) = scan.cache_folder().iterdir()
    written = stored.stat().st_mtime_ns

    after = read_davis(davis, year=2017).videos[0].tracks[2][1].box

    assert after == before
    assert [path.stat().st_mtime_ns for path in scan.cache_folder().iterdir()] == [written]


@pytest.mark.usefixtures("cached")
def test_a_file_that_changes_is_read_again(davis, drawing):
    read_davis(davis, year=2017)
    drawing.labels("Annotations/480p/boat/00001.png", {2: (0, 0, 30, 30)})
    os.utime(davis / "Annotations/480p/boat/00001.png", ns=(1, 1))

    assert read_davis(davis, year=2017).videos[0].tracks[2][1].box == Box(0, 0, 30, 30)


@pytest.mark.usefixtures("cached")
def test_a_broken_cache_is_made_anew(davis):
    read_davis(davis)
    (stored,) = scan.cache_folder().iterdir()
    stored.write_bytes(b"PK\x03\x04")

    assert len(read_davis(davis).videos) == 1
    assert stored.stat().st_size > 4


@pytest.mark.usefixtures("cached")
def test_a_cache_that_cannot_be_written_is_done_without(davis, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert len(read_davis(davis).videos) == 1


def test_all_sequences_of_davis_are_read_without_a_list(davis):
    found = read_davis(davis, "all", 2017)

    assert [video.name for video in found.videos] == ["boat", "dog"]
    assert found.step_range > 0  # so that a frame shortly before another one is known
