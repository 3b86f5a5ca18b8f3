"""Outputs are whole or not there, and never in the place of what is read."""

import os
from contextlib import suppress

import numpy as np
import pytest

from s2iammask_core.errors import OutputError
from s2iammask_core.files.clips import open_clip
from s2iammask_core.files.labels import write_labels
from s2iammask_core.files.outputs import growing_file, growing_folder, keep_apart, set_aside, write_text
from s2iammask_core.files.pictures import write_picture
from s2iammask_core.sinks import mask_sink


def test_an_output_that_is_an_input_by_any_name_is_refused(tmp_path):
    clip, folder = tmp_path / "clip.mp4", tmp_path / "frames"
    clip.touch()
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    os.link(clip, tmp_path / "same.mp4")

    for output in (clip, tmp_path / "x/../clip.mp4", tmp_path / "same.mp4", tmp_path / "link", tmp_path):
        with pytest.raises(OutputError, match=r"--out .* would overwrite what is read"):
            keep_apart({"--out": output}, [clip, folder])
    with pytest.raises(OutputError, match="--boxes and --out are both"):
        keep_apart({"--out": tmp_path / "a", "--boxes": tmp_path / "a"}, [clip])
    keep_apart({"--out": folder / "inside.mp4", "--boxes": None}, [clip, folder])


def test_an_error_leaves_the_old_output_and_nothing_else(tmp_path):
    write_text(tmp_path / "table.csv", "old")
    (tmp_path / "masks").mkdir()
    write_text(tmp_path / "masks/000001.png", "old")

    with suppress(KeyError), growing_file(tmp_path / "table.csv") as file:
        file.write("new")
        raise KeyError
    with suppress(KeyError), growing_folder(tmp_path / "masks") as folder:
        write_text(folder / "000002.png", "new")
        raise KeyError

    assert (tmp_path / "table.csv").read_text() == "old"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["000001.png", "masks", "table.csv"]


def test_a_folder_takes_the_place_of_all_that_was_in_it(tmp_path):
    for names in (("1", "2", "3"), ("1",)):
        with growing_folder(tmp_path / "masks") as folder:
            for name in names:
                write_text(folder / name, name)

    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["1"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
def test_a_full_disk_is_an_error(tmp_path):
    (tmp_path / "table.csv").symlink_to("/dev/full")

    with pytest.raises(OutputError, match="No space left"):
        write_text(tmp_path / "table.csv", "rows")


def test_earlier_results_are_set_aside(tmp_path):
    write_text(tmp_path / "results/a.txt", "1")

    assert set_aside(tmp_path / "results") == tmp_path / "results.1"
    assert set_aside(tmp_path / "results") is None
    assert (tmp_path / "results.1/a.txt").read_text() == "1"


@pytest.mark.parametrize("inner", ["masks/overlay.mp4", "masks/deep/boxes.csv"])
def test_an_output_inside_another_is_refused_before_anything_is_made(tmp_path, inner):
    with pytest.raises(OutputError, match=r"--out is inside --masks .*masks; choose a place beside it"):
        keep_apart({"--out": tmp_path / inner, "--masks": tmp_path / "masks"}, [])


def test_a_file_of_a_folder_that_is_read_is_an_input(tmp_path):
    frame = np.zeros((8, 8, 3), np.uint8)
    for number in range(2):
        write_picture(tmp_path / f"{number}.png", frame)
    clip = open_clip(str(tmp_path))

    with pytest.raises(OutputError, match=r"--boxes .*1\.png would overwrite what is read"):
        keep_apart({"--boxes": tmp_path / "1.png"}, clip.inputs)


def test_what_a_killed_run_left_in_its_folder_is_no_hindrance(tmp_path):
    write_text(tmp_path / "masks/.part/000001.png", "half")

    with mask_sink(tmp_path / "masks"):
        pass

    assert list((tmp_path / "masks").iterdir()) == []


def test_label_pictures_of_others_are_not_replaced_though_they_look_like_masks(tmp_path):
    truth, own = tmp_path / "truth", tmp_path / "own"
    write_picture(truth / "000001.png", np.ones((8, 8), np.uint8))
    write_labels(own / "000001.png", np.ones((8, 8), np.uint8))

    with mask_sink(own):
        pass
    with pytest.raises(OutputError, match=r"truth holds other files, such as 000001\.png"), mask_sink(truth):
        pass

    assert (list(own.iterdir()), len(list(truth.iterdir()))) == ([], 1)
