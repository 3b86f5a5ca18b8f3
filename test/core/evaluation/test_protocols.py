from dataclasses import replace

import cv2
import numpy as np
import pytest

from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.evaluation.benchmarks.masks import measured_objects
from s2iammask_core.evaluation.identity import IdentityTracker
from s2iammask_core.evaluation.protocols import one_pass, propagate, supervised
from s2iammask_core.evaluation.results.masks import write_masks
from s2iammask_core.evaluation.sequences.masks import read_davis, read_youtube_vos
from s2iammask_core.evaluation.sequences.otb import read_otb
from s2iammask_core.evaluation.sequences.vot import read_vot
from s2iammask_core.evaluation.speed import TimedFrames, TimedTracker
from s2iammask_core.evaluation.vot import Kind
from s2iammask_core.overlay import id_image
from s2iammask_core.tracking.track import MaskRegion, Track, TrackState
from s2iammask_core.tracking.tracker import Tracker

NO_MASK = MaskRegion(0, 0, np.zeros((0, 0), bool), np.zeros((0, 0), np.float32))


def track_at(box, name=1, mask=NO_MASK):
    return Track(name, TrackState.TRACKING, 1, 1, 1, box, RotatedBox.from_box(box), mask)


class ScriptedTracker:
    """Answers with one box after the other, and remembers what it was told."""

    def __init__(self, boxes):
        self.boxes = list(boxes)
        self.started = []
        self.stops = 0

    def start(self, frame, targets, ids=None):
        self.started.append((int(frame.mean()), targets))
        return [1]

    def track(self, frame):
        return [track_at(self.boxes.pop(0))]

    def stop(self, ids=None):
        self.stops += 1


def vot_sequence(files, root, count, truth=(10, 10, 10, 10)):
    files.frames(root / "a", count)
    files.rows(root / "a/groundtruth.txt", [truth] * count)
    return read_vot(root)[0]


ON, OFF = Box(10, 10, 20, 20), Box(30, 25, 40, 30)


def kinds(answers):
    return [answer if isinstance(answer, Kind) else "region" for answer in answers]


def test_a_lost_object_is_given_again_five_frames_later(tmp_path, files):
    sequence = vot_sequence(files, tmp_path, 10)
    tracker = ScriptedTracker([ON, OFF, ON, ON])

    answers = kinds(supervised(tracker, sequence))

    assert answers == [1, "region", 2, 0, 0, 0, 0, 1, "region", "region"]
    assert [shade for shade, _ in tracker.started] == pytest.approx([0, 70], abs=1)
    assert tracker.stops == 1


def test_a_perfect_answer_overlaps_the_truth_fully(tmp_path, files):
    sequence = vot_sequence(files, tmp_path, 2)

    _, region = supervised(ScriptedTracker([ON]), sequence)

    assert region.tolist() == [[10, 10], [19, 10], [19, 19], [10, 19]]


def test_a_touch_is_not_a_failure(tmp_path, files):
    sequence = vot_sequence(files, tmp_path, 2)

    answers = kinds(supervised(ScriptedTracker([Box(18, 18, 30, 30)]), sequence))

    assert answers == [1, "region"]


def test_the_restart_waits_until_the_object_is_there_again(tmp_path, files):
    files.frames(tmp_path / "a", 9)
    there, gone = (10, 10, 10, 10), ("nan",) * 4
    files.rows(tmp_path / "a/groundtruth.txt", [there] * 6 + [gone] + [there] * 2)

    answers = kinds(supervised(ScriptedTracker([OFF, ON, ON]), read_vot(tmp_path)[0]))

    assert answers == [1, 2, 0, 0, 0, 0, 0, 1, "region"]


def test_one_pass_starts_once_and_keeps_the_numbers_of_otb(tmp_path, files):
    files.frames(tmp_path / "a/img", 3)
    files.rows(tmp_path / "a/groundtruth_rect.txt", [(11, 11, 10, 10)] * 3)
    tracker = ScriptedTracker([ON, OFF])

    boxes = list(one_pass(tracker, read_otb(tmp_path)[0]))

    assert boxes == [[11, 11, 10, 10], [11, 11, 10, 10], [31, 26, 10, 5]]
    assert tracker.started[0][1] == [ON]


def region(x, y, value, side=4):
    return MaskRegion(x, y, np.ones((side, side), bool), np.full((side, side), value, np.float32))


def test_a_pixel_goes_to_the_most_probable_object():
    tracks = [track_at(ON, 3, region(0, 0, 0.7)), track_at(ON, 5, region(2, 0, 0.9))]

    labels = id_image(tracks, (4, 8))

    assert labels[0].tolist() == [3, 3, 5, 5, 5, 5, 0, 0]
    assert np.array_equal(id_image(tracks[::-1], (4, 8)), labels)


def test_what_is_below_the_threshold_stays_background():
    unsure = MaskRegion(0, 0, np.zeros((4, 4), bool), np.full((4, 4), 0.4, np.float32))

    assert not id_image([track_at(ON, 1, unsure)], (4, 8)).any()


def test_all_objects_start_from_their_masks_with_their_own_ids(tmp_path, files):
    (sequence,) = read_davis(files.davis(tmp_path, ["cat"]), "2017", ["cat"])

    answers = list(propagate(IdentityTracker(), sequence, "mask"))

    assert [name for name, _ in answers] == ["00000", "00001", "00002"]
    for _, labels in answers:
        assert np.array_equal(labels, sequence.labels(0))


def test_the_box_protocol_gives_no_more_than_a_box(tmp_path, files):
    root = files.davis(tmp_path, ["cat"], frames=2)
    labels = np.zeros((30, 40), np.uint8)
    labels[5:15, 5], labels[14, 5:15] = 1, 1  # an L
    files.labels(root / "Annotations/480p/cat/00000.png", labels)
    (sequence,) = read_davis(root, "2017", ["cat"])

    (_, first), (_, second) = propagate(IdentityTracker(), sequence, "box")

    filled = np.zeros((30, 40), np.uint8)
    filled[5:15, 5:15] = 1
    assert np.array_equal(first, filled)
    assert np.array_equal(second, filled)


def test_an_object_that_appears_late_is_tracked_from_then_to_its_end(tmp_path, files):
    (sequence,) = read_youtube_vos(files.youtube(tmp_path))

    answers = propagate(IdentityTracker(), sequence, "mask")

    assert [np.unique(labels).tolist() for _, labels in answers] == [[0, 1], [0, 1], [0, 1, 2], [0, 2]]


def test_each_frame_is_decoded_once_for_all_objects(tmp_path, files):
    (sequence,) = read_davis(files.davis(tmp_path, ["cat"]), "2017", ["cat"])
    frames, tracker = TimedFrames(sequence.frames), TimedTracker(IdentityTracker())

    list(propagate(tracker, replace(sequence, frames=frames), "mask"))

    assert frames.watch.calls == 3
    assert tracker.watch.calls == 4  # a start, and a call for each frame


def test_the_tracker_itself_scores_well_on_squares_that_move(tmp_path, files, network, scene, colours):
    root = files.davis(tmp_path, ["squares"], frames=6)
    for index in range(6):
        frame = scene((60 + 6 * index, 60, 40, 40, colours[0]), (200 - 5 * index, 150, 50, 30, colours[2]))
        path = root / f"JPEGImages/480p/squares/{index:05d}.jpg"
        cv2.imwrite(str(path), frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])
        labels = np.zeros((240, 320), np.uint8)
        labels[60:100, 60 + 6 * index : 100 + 6 * index] = 1
        labels[150:180, 200 - 5 * index : 250 - 5 * index] = 2
        files.labels(root / f"Annotations/480p/squares/{index:05d}.png", labels)
    (sequence,) = read_davis(root, "2017", ["squares"])

    write_masks(tmp_path / "results/squares", propagate(Tracker.of(network), sequence, "mask"))

    scores = measured_objects(sequence, tmp_path / "results")
    assert [each.object_id for each in scores] == [1, 2]
    assert min(each.j.min() for each in scores) > 0.85
