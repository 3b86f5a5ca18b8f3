"""Box sequences of several benchmarks side by side, and parts of sequences."""

import json

import numpy as np
import pytest

from s2iammask_core.cli import main
from s2iammask_core.evaluation import otb
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark
from s2iammask_core.evaluation.identity import IdentityTracker
from s2iammask_core.evaluation.sequences.boxes import read_box_sequences
from s2iammask_core.evaluation.sequences.masks import read_davis, read_youtube_vos

STILL = [(11, 11, 10, 10)] * 3  # as OTB counts pixels


@pytest.fixture
def clips(tmp_path, files):
    """A VOT sequence of polygons that moves, and an OTB sequence with two targets, one of which moves."""
    files.frames(tmp_path / "clips/bag", 3)
    corners = [(x, 10, x + 9, 10, x + 9, 19, x, 19) for x in (10, 10, 15)]
    files.rows(tmp_path / "clips/bag/groundtruth.txt", corners)
    files.frames(tmp_path / "clips/run/img", 3, digits=4)
    files.rows(tmp_path / "clips/run/groundtruth_rect.1.txt", STILL, separator="\t")
    files.rows(
        tmp_path / "clips/run/groundtruth_rect.2.txt", [(1, 1, 10, 10), (1, 6, 10, 10), (1, 6, 10, 10)]
    )
    return tmp_path / "clips"


def test_folders_of_vot_and_otb_lie_side_by_side(clips):
    bag, first, second = read_box_sequences(clips)

    assert [each.name for each in (bag, first, second)] == ["bag", "run.1", "run.2"]
    assert bag.boxes.tolist() == [[10, 10, 10, 10], [10, 10, 10, 10], [15, 10, 10, 10]]
    assert (bag.first_pixel, first.first_pixel) == (0, 1)


def test_a_frame_without_the_object_has_no_box(clips, files):
    files.rows(clips / "bag/groundtruth.txt", [(10, 10, 10, 10), ("nan",) * 8, (0, 0, 9, 0, 9, 9, 0, 9)])

    bag, *_ = read_box_sequences(clips)

    assert np.isnan(bag.boxes).all(axis=1).tolist() == [False, True, False]


def test_the_overlap_of_each_target_and_their_mean_are_printed(clips, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    data = ["eval", "--dataset", "boxes", "--root", str(clips), "--weights", "identity"]

    assert main([*data, "--results", str(tmp_path / "results"), "--json"]) == 0

    record = json.loads(capsys.readouterr().out)
    overlaps = {row["name"]: row["iou"] for row in record["sequences"]}
    assert overlaps == pytest.approx({"bag": (1 + 1 / 3) / 2, "run.1": 1, "run.2": 1 / 3})
    assert record["iou"] == pytest.approx(np.mean(list(overlaps.values())))


def test_the_frame_that_a_tracker_starts_on_does_not_count_for_its_overlap():
    truth = np.array([(0.0, 0, 10, 10), (0, 0, 10, 10), (np.nan,) * 4, (0, 0, 10, 10)])
    answer = np.array([(0.0, 0, 10, 10), (0, 0, 10, 5), (0, 0, 10, 10), (0, 0, 10, 10)])

    assert otb.score({"a": truth}, {"a": answer}).iou == pytest.approx(0.75)


def test_every_second_frame_alone_is_run_and_the_protocol_says_so(clips, tmp_path):
    benchmark = open_benchmark(Choice("boxes", clips, step=2))

    benchmark.run("bag", IdentityTracker(), tmp_path)

    assert benchmark.length("bag") == 2
    assert benchmark.protocol == "one-pass, 1 of 2 frames"
    assert benchmark.only(["bag"]).score(tmp_path).figures["iou"] == pytest.approx(1 / 3)


def test_vot_tags_are_thinned_with_their_frames(tmp_path, files):
    files.frames(tmp_path / "a", 4)
    files.rows(tmp_path / "a/groundtruth.txt", [(index, 2, 10, 10) for index in range(4)])
    files.rows(tmp_path / "a/occlusion.tag", [(0,), (1,), (1,), (0,)])

    (sequence,) = open_benchmark(Choice("vot-layout", tmp_path, step=2)).sequences

    assert sequence.truth.regions[:, 0, 0].tolist() == [0, 2]
    assert sequence.truth.tags["occlusion"].tolist() == [False, True]
    assert [sequence.frames.name(index) for index in range(2)] == ["00000001", "00000003"]
    assert sequence.frames.size(0) == (40, 30)


def test_masks_of_thinned_sequences_belong_to_their_frames(tmp_path, files):
    (cat,) = read_davis(files.davis(tmp_path, ["cat"], frames=5), "2016", ["cat"])

    thinned = cat.thinned(2)

    assert len(thinned.frames) == 3
    assert sorted(thinned.annotations) == [0, 1, 2]
    assert [thinned.annotations[index].stem for index in range(3)] == ["00000", "00002", "00004"]
    assert (thinned.objects[0].first, thinned.objects[0].last) == (0, 2)


def test_the_frames_in_which_objects_appear_are_never_left_out(tmp_path, files):
    (video,) = read_youtube_vos(files.youtube(tmp_path / "valid"))

    thinned = video.thinned(3)

    assert [thinned.frames.name(index) for index in range(3)] == ["00000", "00002", "00003"]
    assert [(each.object_id, each.first, each.last) for each in thinned.objects] == [(1, 0, 1), (2, 1, 2)]


def test_a_thinned_davis_says_so_in_its_protocol(tmp_path, files):
    benchmark = open_benchmark(Choice("DAVIS2016", files.davis(tmp_path, ["cat"], frames=5), step=2))

    assert benchmark.protocol == "masks propagated from the first mask, 1 of 2 frames"
    assert benchmark.length("cat") == 3


def test_a_step_that_is_none_is_an_error(clips, capsys):
    assert main(["eval", "--dataset", "boxes", "--root", str(clips), "--every", "0"]) == 2

    assert "--every must be 1 or more, got 0" in capsys.readouterr().err
