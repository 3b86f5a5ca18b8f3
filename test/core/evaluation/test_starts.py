"""Runs from several frames of drawn sequences, forwards and backwards in time."""

from dataclasses import replace

import numpy as np
import pytest

from s2iammask_core.errors import ConfigError
from s2iammask_core.evaluation.sequences.masks import read_davis, read_youtube_vos
from s2iammask_core.evaluation.sequences.otb import read_otb
from s2iammask_core.evaluation.sequences.starts import Starts, box_runs, mask_runs
from s2iammask_core.files.labels import VOID


def drawn(files, root, sides):
    """A sequence of 40 x 30 pixels whose object is a square of such a side in each frame."""
    files.frames(root / "JPEGImages/480p/a", len(sides), first=0, digits=5)
    for index, side in enumerate(sides):
        labels = np.zeros((30, 40), np.uint8)
        labels[2 : 2 + side, index : index + side] = 1
        files.labels(root / f"Annotations/480p/a/{index:05d}.png", labels)
    return read_davis(root, "2017", ["a"])[0]


def begins(runs):
    return [(start.frame, start.direction) for start, _ in runs]


def shades(run):
    """The indices of a run's frames in its sequence, by their grey values."""
    return [round(run.frames.read(index).mean() / 10) for index in range(len(run.frames))]


def test_starts_are_spread_evenly_and_mirrored_in_reverse(tmp_path, files):
    sequence = drawn(files, tmp_path, [12] * 9)

    runs = mask_runs(sequence, Starts(3, reverse=True))

    assert begins(runs) == [
        *((0, "forward"), (3, "forward"), (6, "forward")),
        *((8, "backward"), (5, "backward"), (2, "backward")),
    ]
    assert [shades(run) for _, run in runs[1::3]] == [[3, 4, 5, 6, 7, 8], [5, 4, 3, 2, 1, 0]]


def test_a_run_has_the_truth_of_its_frames(tmp_path, files):
    sequence = drawn(files, tmp_path, [12] * 6)

    (_, _), (_, run) = mask_runs(sequence, Starts(1, reverse=True))

    assert [int(np.flatnonzero(run.labels(k).any(axis=0))[0]) for k in range(6)] == [5, 4, 3, 2, 1, 0]
    assert (run.objects[0].first, run.objects[0].last) == (0, 5)


def test_runs_are_called_after_sequence_frame_and_direction(tmp_path, files):
    runs = mask_runs(drawn(files, tmp_path, [12] * 4), Starts(2, reverse=True))

    assert [start.run for start, _ in runs] == [
        *("a.00000.forward", "a.00002.forward", "a.00003.backward", "a.00001.backward")
    ]


def test_a_start_without_the_object_moves_to_the_nearest_frame_that_shows_it(tmp_path, files):
    sequence = drawn(files, tmp_path, [12, 12, 0, 0, 0, 12, 12, 12])

    assert begins(mask_runs(sequence, Starts(2))) == [(0, "forward"), (5, "forward")]


def test_a_sliver_of_the_object_is_nothing_to_start_from(tmp_path, files):
    few_pixels = drawn(files, tmp_path / "few", [9, 12, 12])
    small_share = drawn(files, tmp_path / "share", [11, 24, 24])

    assert begins(mask_runs(few_pixels, Starts())) == [(1, "forward")]
    assert begins(mask_runs(small_share, Starts())) == [(1, "forward")]


def test_starts_that_move_to_one_frame_make_one_run(tmp_path, files):
    sequence = drawn(files, tmp_path, [12, 0, 0, 0, 0, 0])

    assert begins(mask_runs(sequence, Starts(3))) == [(0, "forward")]


def test_a_sequence_that_never_shows_its_object_has_no_run(tmp_path, files):
    assert mask_runs(drawn(files, tmp_path, [5, 0, 0]), Starts(3)) == []


def test_an_object_that_comes_later_in_a_run_starts_there(tmp_path, files):
    """Object 1 of the set is seen in frame 0, object 2 in frame 2, which comes first backwards."""
    (sequence,) = read_youtube_vos(files.youtube(tmp_path))

    (_, forward), (_, backward) = mask_runs(sequence, Starts(1, reverse=True))

    assert [(each.object_id, each.first, each.last) for each in forward.objects] == [(1, 0, 2), (2, 2, 3)]
    assert [(each.object_id, each.first, each.last) for each in backward.objects] == [(1, 2, 2), (2, 0, 0)]


def test_void_is_no_object(tmp_path, files):
    sequence = drawn(files, tmp_path, [12] * 3)
    labels = sequence.labels(0)
    labels[20:, 20:] = VOID
    files.labels(sequence.annotations[0], labels)

    ((_, run),) = mask_runs(read_davis(tmp_path, "2017", ["a"])[0], Starts())

    assert [each.object_id for each in run.objects] == [1]
    assert run.labels(0)[29, 39] == VOID


def test_box_runs_begin_where_the_target_has_a_box(tmp_path, files):
    files.frames(tmp_path / "a/img", 6, digits=4)
    files.rows(tmp_path / "a/groundtruth_rect.txt", [(k + 1, 1, 12, 12) for k in range(6)])
    (sequence,) = read_otb(tmp_path)
    boxes = sequence.boxes.copy()
    boxes[3] = np.nan

    runs = box_runs(replace(sequence, boxes=boxes), Starts(2, reverse=True))

    assert begins(runs) == [(0, "forward"), (2, "forward"), (5, "backward"), (2, "backward")]
    assert runs[2][1].boxes[:2, 0].tolist() == [6, 5]
    assert shades(runs[2][1]) == [5, 4, 3, 2, 1, 0]


def test_no_start_at_all_is_refused():
    with pytest.raises(ConfigError, match="1 or more, got 0"):
        Starts(0)
