"""The measure by which snapshots and settings are chosen, with trackers that stand still."""

import math

import numpy as np
import pytest

from s2iammask_core.boxes import Box
from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark
from s2iammask_core.evaluation.factory import IdentityFactory
from s2iammask_core.evaluation.identity import IdentityTracker
from s2iammask_core.evaluation.repeated import (
    RunScore,
    estimate,
    gains,
    held_out_boxes,
    held_out_runs,
    repeated,
    summary,
)
from s2iammask_core.evaluation.reported import reported
from s2iammask_core.evaluation.runner import Run, Workers
from s2iammask_core.evaluation.runner import run as run_sequences
from s2iammask_core.evaluation.sequences.masks import read_davis
from s2iammask_core.evaluation.sequences.otb import read_otb
from s2iammask_core.evaluation.sequences.starts import Start, Starts
from s2iammask_core.files.labels import VOID


class NotedTracker(IdentityTracker):
    """Remembers what it was started with."""

    def __init__(self):
        super().__init__()
        self.given = []

    def start(self, frame, targets, ids=None):
        self.given += targets
        return super().start(frame, targets, ids)


def test_a_tracker_that_stands_still_has_the_same_scores_both_ways(tmp_path, files):
    sequences = read_davis(files.moving(tmp_path, ["a"]), "2016", ["a"])

    forward, backward = repeated(IdentityTracker(), held_out_runs(sequences, Starts(1, reverse=True), "mask"))

    ious = [(12 - k) / (12 + k) for k in range(1, 6)]  # without the first frame and the last
    assert forward.figures["j_mean"] == pytest.approx(np.mean(ious))
    assert forward.figures["box_iou"] == pytest.approx(np.mean(ious))
    assert forward.figures["j_recall"] == pytest.approx(3 / 5)
    assert backward.figures == pytest.approx(forward.figures)


def test_the_whole_mask_is_handed_over_or_no_more_than_its_box(tmp_path, files):
    sequences = read_davis(files.davis(tmp_path, ["a"], frames=4), "2017", ["a"])
    masks, boxes = NotedTracker(), NotedTracker()

    list(repeated(masks, held_out_runs(sequences, Starts(2), "mask")))
    list(repeated(boxes, held_out_runs(sequences, Starts(2), "box")))

    assert [given.dtype for given in masks.given] == [bool] * 2
    assert (masks.given[0] == (sequences[0].labels(0) == 1)).all()
    assert boxes.given == [Box(5, 5, 15, 15), Box(20, 5, 30, 15)]


def test_an_error_in_the_void_costs_nothing(tmp_path, files):
    """The tracker answers with the box; what of it lies on void is neither right nor wrong."""

    class Generous(IdentityTracker):
        def start(self, frame, targets, ids=None):
            wider = [Box(box.x1 - 3, box.y1 - 3, box.x2 + 3, box.y2 + 3) for box in targets]
            return super().start(frame, wider, ids)

    for ring in (False, True):
        root = files.davis(tmp_path / str(ring), ["a"], frames=4)
        for index in range(4):
            labels = np.zeros((30, 40), np.uint8)
            labels[2:22, 2:22] = VOID if ring else 0
            labels[6:18, 6:18] = 1
            files.labels(root / f"Annotations/480p/a/{index:05d}.png", labels)

    def figures(ring):
        runs = held_out_runs(read_davis(tmp_path / str(ring), "2017", ["a"]), Starts(), "box")
        (score,) = repeated(Generous(), runs)
        return score.figures

    assert [figures(True)[name] for name in ("j_mean", "f_mean", "j_recall", "box_iou")] == [1, 1, 1, 1]
    assert figures(False)["j_mean"] == pytest.approx(144 / 324)
    assert figures(False)["box_iou"] == pytest.approx(144 / 324)
    assert figures(False)["f_mean"] < 1


def test_one_start_forwards_scores_as_the_plain_protocol(tmp_path, files):
    root = files.moving(tmp_path / "data", ["a", "b"])

    def figures(starts):
        benchmark = open_benchmark(Choice("DAVIS2016", root, starts=starts))
        results = tmp_path / str(starts)
        run_sequences(Run(benchmark, IdentityFactory(), results), Workers(), lambda *_: None)
        return benchmark.score(results).figures

    plain = figures(None)
    assert {name: plain[name] for name in ("j_mean", "f_mean", "j_recall", "j_and_f")} == pytest.approx(
        {name: value for name, value in figures(Starts()).items() if name != "box_iou"}
    )


def test_boxes_are_scored_both_ways(tmp_path, files):
    files.frames(tmp_path / "a/img", 4, digits=4)
    files.rows(tmp_path / "a/groundtruth_rect.txt", [(k + 1, 1, 12, 12) for k in range(4)])

    scores = list(repeated(IdentityTracker(), held_out_boxes(read_otb(tmp_path), Starts(1, reverse=True))))

    expected = np.mean([11 / 13, 10 / 14, 9 / 15])
    assert [each.figures["iou"] for each in scores] == pytest.approx([expected] * 2)
    assert [each.figures["iou_recall"] for each in scores] == [1, 1]


def scored(sequence, frame, j):
    return RunScore(Start(sequence, frame, "forward"), 9, {"j_mean": j})


def test_each_sequence_counts_once_however_many_runs_it_has():
    found = summary([scored("a", 0, 0.8), scored("a", 3, 0.6), scored("b", 0, 0.1)])

    assert found["j_mean"].value == pytest.approx((0.7 + 0.1) / 2)


def test_the_standard_error_is_that_of_the_mean_over_sequences():
    values = np.random.default_rng(3).random(40)

    found = estimate(values)

    assert found.error == pytest.approx(values.std() / math.sqrt(40), rel=0.03)
    assert estimate(values) == found
    assert estimate(np.array([0.4, math.nan, 0.6])).value == pytest.approx(0.5)


def test_a_gain_is_surer_than_the_scores_it_is_made_of():
    worse = [scored(name, 0, j) for name, j in (("a", 0.2), ("b", 0.8), ("c", 0.5))]
    better = [scored(each.start.sequence, 0, each.figures["j_mean"] + 0.1) for each in reversed(worse)]

    gain = gains(better, worse)["j_mean"]

    assert (gain.value, gain.error) == pytest.approx((0.1, 0))
    assert summary(worse)["j_mean"].error > 0.1


def test_one_sequence_has_no_standard_error():
    assert math.isnan(estimate(np.array([0.4])).error)


def test_runs_of_sequences_for_reporting_are_for_reporting_too(tmp_path, files):
    root = files.moving(tmp_path, ["camel", "cat"])

    benchmark = open_benchmark(Choice("DAVIS2016", root, starts=Starts(2)))

    assert reported(benchmark, root) == ("camel.00000.forward", "camel.00003.forward")


def test_runs_are_chosen_by_their_own_names_and_by_their_sequence(tmp_path, files):
    benchmark = open_benchmark(Choice("DAVIS2016", files.moving(tmp_path, ["a", "b"]), starts=Starts(2)))

    assert benchmark.only(["b"]).names == ("b.00000.forward", "b.00003.forward")
    assert benchmark.only(["b.00003.forward", "a.00000.forward"]).names == (
        "b.00003.forward",
        "a.00000.forward",
    )
    with pytest.raises(DatasetError, match="no sequence or run 'c'"):
        benchmark.only(["c"])


def test_vot_restarts_by_itself(tmp_path, files):
    files.frames(tmp_path / "a", 4)
    files.rows(tmp_path / "a/groundtruth.txt", [(10, 10, 12, 12)] * 4)

    with pytest.raises(DatasetError, match="starts of its own"):
        open_benchmark(Choice("vot-layout", tmp_path, starts=Starts(2)))

    boxes = open_benchmark(Choice("boxes", tmp_path, starts=Starts(2)))
    assert boxes.names == ("a.00000.forward", "a.00002.forward")


def test_a_set_without_a_truth_to_score_with_is_refused(tmp_path, files):
    with pytest.raises(DatasetError, match="truth beyond"):
        open_benchmark(Choice("YTVOS2019", files.youtube(tmp_path / "valid"), starts=Starts(2)))


def test_a_set_whose_objects_are_too_small_is_refused(tmp_path, files):
    root = files.davis(tmp_path, ["a"], frames=4)
    for index in range(4):
        labels = np.zeros((30, 40), np.uint8)
        labels[5:8, 5:8] = 1
        files.labels(root / f"Annotations/480p/a/{index:05d}.png", labels)

    with pytest.raises(DatasetError, match="no sequence has a frame to start in"):
        open_benchmark(Choice("DAVIS2016", root, starts=Starts(2)))
