"""Objects that are away for a while: the cut, and what is measured of the return."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from s2iammask_core.cli import main
from s2iammask_core.errors import ConfigError, DatasetError
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark
from s2iammask_core.evaluation.hidden import hidden_runs
from s2iammask_core.evaluation.identity import IdentityTracker
from s2iammask_core.evaluation.repeated import held_out_runs, repeated
from s2iammask_core.evaluation.sequences.cuts import CutFrames
from s2iammask_core.evaluation.sequences.frames import images_in
from s2iammask_core.evaluation.sequences.masks import read_davis
from s2iammask_core.evaluation.sequences.starts import Starts
from s2iammask_core.tracking.track import TrackState
from s2iammask_core.tracking.tracker import Tracker


@pytest.fixture
def root(tmp_path, files):
    """Two sequences of eight frames in which a square of 12 pixels stands still."""
    for name in ("a", "b"):
        files.frames(tmp_path / "JPEGImages/480p" / name, 8, first=0, digits=5)
        labels = np.zeros((30, 40), np.uint8)
        labels[6:18, 6:18] = 1
        for index in range(8):
            files.labels(tmp_path / f"Annotations/480p/{name}/{index:05d}.png", labels)
    files.rows(tmp_path / "ImageSets/2016/val.txt", [("a",), ("b",)])
    return tmp_path


def runs_of(root, seconds=0.1, starts=1, names=("a", "b"), by="cut"):
    sequences = read_davis(root, "2016", names)
    return hidden_runs(held_out_runs(sequences, Starts(starts), "box"), seconds, by)


class Scripted(IdentityTracker):
    """Stands still, and is in turn in these states: T tracking, L lost."""

    def __init__(self, states):
        super().__init__()
        self._states = states
        self._next = 0

    def start(self, frame, targets, ids=None):
        self._next = 0
        return super().start(frame, targets, ids)

    def track(self, frame):
        tracks = super().track(frame)
        if not tracks:
            return []
        letter = self._states[self._next]
        self._next += 1
        return [replace(tracks[0], state=TrackState.TRACKING if letter == "T" else TrackState.LOST)]


def test_the_picture_cuts_to_another_sequence_and_goes_on_where_it_was(tmp_path, files):
    files.frames(tmp_path / "own", 5, suffix=".png")
    files.frames(tmp_path / "other", 2, suffix=".png", first=7, size=(20, 20))
    cv2.imwrite(str(tmp_path / "other/00000007.png"), np.full((20, 20, 3), 200, np.uint8))

    frames = CutFrames(images_in(tmp_path / "own"), images_in(tmp_path / "other"), range(2, 5))

    shown = [frames.read(index) for index in range(len(frames))]
    assert [int(each.mean()) for each in shown] == [0, 10, 200, 10, 200, 20, 30, 40]
    assert {each.shape for each in shown} == {(30, 40, 3)}
    assert {frames.size(index) for index in range(len(frames))} == {(40, 30)}


def test_an_occluder_stands_in_front_of_the_object_while_the_picture_stands(root, files):
    for index in range(8):
        cv2.imwrite(str(root / f"JPEGImages/480p/b/{index:05d}.jpg"), np.full((30, 40, 3), 200, np.uint8))

    run, _ = runs_of(root, by="occluder")

    before, *hidden, after = (run.frames.read(index) for index in range(3, 8))
    assert not (before > 190).any()
    for frame in hidden:
        rows, columns = np.nonzero(frame.min(axis=2) > 190)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 20, 3, 20)
        assert frame[25, 35] == pytest.approx(before[25, 35], abs=0)
    assert not (after > 190).any()
    assert run.digest != runs_of(root)[0].digest


def test_the_truth_goes_on_where_it_was(root):
    run, _ = runs_of(root)

    assert run.away == range(4, 7)
    assert len(run.frames) == 11
    assert sorted(run.sequence.annotations) == [0, 1, 2, 3, 7, 8, 9, 10]
    assert (run.sequence.labels(7) == 1).sum() == 144


def test_a_target_that_is_found_again_counts_the_frames_it_took(root):
    (score,) = repeated(Scripted("TTT" + "TLL" + "LTTT"), runs_of(root)[:1])

    assert score.figures == {"recovered": 1, "frames_to_recover": 2, "false_finds": 1 / 3, "j_after": 1}


def test_a_target_that_stays_lost_is_not_recovered(root):
    (score,) = repeated(Scripted("TTT" + "LLL" + "LLLL"), runs_of(root)[:1])

    assert (score.figures["recovered"], score.figures["false_finds"]) == (0, 0)
    assert np.isnan(score.figures["frames_to_recover"])


def test_a_find_of_something_else_is_not_a_recovery(root, files):
    for index in range(4, 8):
        labels = np.zeros((30, 40), np.uint8)
        labels[6:18, 14:26] = 1  # a third of the tracker's box
        files.labels(root / f"Annotations/480p/a/{index:05d}.png", labels)

    (score,) = repeated(Scripted("T" * 10), runs_of(root)[:1])

    assert (score.figures["recovered"], score.figures["false_finds"]) == (0, 1)
    assert score.figures["j_after"] == pytest.approx(4 / 20)


def test_a_return_that_nobody_could_see_is_not_measured(root, files):
    for index in range(4, 8):
        files.labels(root / f"Annotations/480p/a/{index:05d}.png", np.zeros((30, 40), np.uint8))

    (score,) = repeated(Scripted("T" * 10), runs_of(root)[:1])

    assert np.isnan(score.figures["recovered"])


def test_every_nth_frame_of_a_cut_run(root):
    run, _ = runs_of(root, seconds=0.2)

    thinned = run.thinned(2)

    assert (len(thinned.frames), thinned.away, thinned.within) == (7, range(2, 5), 15)
    assert sorted(thinned.sequence.annotations) == [0, 1, 5, 6]


def test_a_tracker_loses_what_is_away_and_finds_it_again(tmp_path, files, scene, colours, network):
    red, green, _ = colours
    for name, x, colour in (("a", 100, red), ("b", 60, green)):
        frames = tmp_path / "JPEGImages/480p" / name
        frames.mkdir(parents=True)
        labels = np.zeros((240, 320), np.uint8)
        labels[90:140, x : x + 60] = 1
        for index in range(16):
            cv2.imwrite(str(frames / f"{index:05d}.png"), scene((x, 90, 60, 50, colour))[..., ::-1])
            files.labels(tmp_path / f"Annotations/480p/{name}/{index:05d}.png", labels)

    (score, _) = repeated(Tracker.of(network), runs_of(tmp_path, seconds=0.5))

    assert score.frames == 16 + 15
    assert score.figures["recovered"] == 1
    assert score.figures["false_finds"] == pytest.approx(4 / 15)  # before it counts as lost
    assert score.figures["j_after"] > 0.5


def test_there_must_be_a_sequence_to_cut_to(root):
    with pytest.raises(DatasetError, match="choose two or more"):
        runs_of(root, names=("a",))


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), 0.01])
def test_an_object_cannot_be_hidden_for_less_than_a_frame(root, seconds):
    with pytest.raises(ConfigError, match="a frame"):
        runs_of(root, seconds=seconds)


def test_eval_prints_what_is_found_again(root, tmp_path, capsys):
    common = ["eval", "--dataset", "DAVIS2016", "--root", str(root), "--weights", "identity", "--json"]

    status = main([*common, "--starts", "2", "--hide", "0.1", "--results", str(tmp_path / "r")])

    record = json.loads(capsys.readouterr().out)
    assert status == 0
    assert (record["recovered"], record["frames_to_recover"], record["false_finds"]) == (1, 1, 1)
    assert {"recovered_se", "frames_to_recover_se", "j_after_se"} <= record.keys()
    assert [row["start"] for row in record["runs"]] == [0, 4, 0, 4]
    assert "away for 0.1 s at 30 frames/s (cut)" in " ".join(record["notes"])


def test_boxes_alone_are_refused(tmp_path, files):
    files.frames(tmp_path / "a", 4)
    files.rows(tmp_path / "a/groundtruth.txt", [(10, 10, 12, 12)] * 4)

    with pytest.raises(DatasetError, match="boxes alone"):
        open_benchmark(Choice("boxes", tmp_path, hide=1.0))
