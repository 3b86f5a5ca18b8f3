import numpy as np
import pytest

from s2iammask_core.errors import DatasetError, OutputError, VideoError
from s2iammask_core.files.clips import open_clip
from s2iammask_core.files.pictures import read_picture, write_picture
from s2iammask_core.files.video_writer import video_writer


def frames(count=5):
    return [np.full((48, 64, 3), (200, 20 * number, 10), np.uint8) for number in range(count)]


def test_a_written_video_is_read_back_in_rgb(tmp_path):
    with video_writer(tmp_path / "new" / "clip.mp4", 30) as writer:
        for frame in frames():
            writer.write(frame)

    clip = open_clip(str(tmp_path / "new" / "clip.mp4"))

    found = list(clip)
    assert (clip.count, clip.rate) == (5, 30)
    assert found[3][20, 20].tolist() == pytest.approx([200, 60, 10], abs=12)


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path):
    for number, frame in enumerate(frames()):
        write_picture(tmp_path / f"{number:03d}.png", frame)
    (tmp_path / "notes.txt").write_text("not a frame")

    clip = open_clip(str(tmp_path))

    assert clip.count == 5
    assert all(np.array_equal(found, frame) for found, frame in zip(clip, frames(), strict=True))


def test_a_clip_can_be_read_twice(tmp_path):
    write_picture(tmp_path / "0.png", frames()[0])
    clip = open_clip(str(tmp_path))

    assert len(list(clip)) == len(list(clip)) == 1


def test_a_label_image_survives_its_file(tmp_path):
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)

    write_picture(tmp_path / "labels.png", labels)

    assert np.array_equal(read_picture(tmp_path / "labels.png")[..., 0], labels)


def test_a_source_that_is_not_there_is_named():
    with pytest.raises(VideoError, match=r"nowhere\.mp4"):
        open_clip("nowhere.mp4")


def test_a_file_that_is_no_video_is_refused(tmp_path):
    (tmp_path / "clip.mp4").write_text("not a video")

    with pytest.raises(VideoError, match=r"clip\.mp4"):
        list(open_clip(str(tmp_path / "clip.mp4")))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no pictures"):
        open_clip(str(tmp_path))


def test_a_broken_picture_is_named(tmp_path):
    (tmp_path / "0.png").write_text("not a picture")

    with pytest.raises(VideoError, match=r"0\.png"):
        list(open_clip(str(tmp_path)))


def test_a_video_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "clip.xyz", tmp_path / "file" / "clip.mp4"):
        with pytest.raises(OutputError, match="cannot write"), video_writer(path, 25) as writer:
            writer.write(frames()[0])
