"""The logic around a captured step; the stand-in for a capture computes it each time it is replayed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from s2iammask_core import Box, Shot, Tracker, TrackerConfig, track_together
from s2iammask_core.runtime import graph
from s2iammask_core.runtime.captured import filled_up
from s2iammask_core.runtime.graph import GraphRunner, bucket_of
from s2iammask_core.tracking import frame_store
from s2iammask_core.tracking.runner import Search
from s2iammask_core.tracking.s2iammask import aim_at
from s2iammask_core.tracking.target import Target
from s2iammask_core.tracking.track import TrackState

CONFIG = TrackerConfig()


class Recorder:
    """Counts captures and replays."""

    def __init__(self):
        self.captures = 0
        self.replays = 0

    def __call__(self, work):
        self.captures += 1

        def replay():
            self.replays += 1
            return work()

        return replay


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def tracker(make_network, recorder):
    network = make_network()
    return Tracker.of(network, runner=GraphRunner(network, recorder))


def search(count, config=CONFIG):
    """Windows around so many places of a grey frame."""
    place = Box(40, 40, 80, 70)
    targets = tuple(Target(k, 60.0, 55.0, 40.0, 30.0, place, (1.0, 2.0, 3.0)) for k in range(count))
    frame = np.full((120, 160, 3), 128, np.uint8)
    return Search(frame, torch.zeros(count, 3), aim_at(targets, config))


def blocks(colours, shift=0):
    places = ((40, 40), (150, 60), (230, 150))
    return [(x + shift, y, 40, 30, colour) for (x, y), colour in zip(places, colours, strict=True)]


def box(block):
    x, y, width, height, _ = block
    return Box(x, y, x + width, y + height)


def centers(tracks):
    return [track.box.center for track in tracks]


@pytest.mark.parametrize(("count", "bucket"), [(1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (16, 16)])
def test_targets_go_into_the_smallest_bucket_that_holds_them(count, bucket):
    assert bucket_of(count) == bucket


def test_a_bucket_is_filled_up_with_its_last_row():
    rows = torch.tensor([[1, 2], [3, 4]])

    assert filled_up(rows, 4).tolist() == [[1, 2], [3, 4], [3, 4], [3, 4]]
    assert filled_up(rows, 2) is rows


def test_three_targets_in_a_bucket_of_four_are_tracked_as_step_by_step(tracker, make_network, scene, colours):
    eager = Tracker.of(make_network())
    for each in (tracker, eager):
        each.start(scene(*blocks(colours)), [box(block) for block in blocks(colours)])

    for shift in (5, 10, 15):
        frame = scene(*blocks(colours, shift))
        found, wanted = tracker.track(frame), eager.track(frame)
        assert centers(found) == [pytest.approx(place, abs=0.5) for place in centers(wanted)]
        assert [each.score for each in found] == pytest.approx([each.score for each in wanted], abs=1e-3)


def test_one_capture_serves_many_frames(tracker, recorder, scene, colours):
    tracker.start(scene(*blocks(colours)), [box(blocks(colours)[0])])

    for shift in range(5):
        tracker.track(scene(*blocks(colours, shift)))

    assert recorder.captures == 1
    assert recorder.replays == 5


def test_a_bucket_is_captured_once_however_often_it_is_left(tracker, recorder, scene, colours):
    frame = scene(*blocks(colours))
    first, *others = [box(block) for block in blocks(colours)]
    tracker.start(frame, [first])
    tracker.track(frame)

    for _ in range(3):
        ids = tracker.start(frame, others)
        (left, *_), _ = tracker.track(frame), tracker.stop(ids)
        (alone,) = tracker.track(frame)
        assert left.box.center == pytest.approx(alone.box.center, abs=0.5)

    assert recorder.captures == 2


def test_a_new_target_in_the_same_bucket_is_the_one_that_is_found(tracker, recorder, scene, colours):
    frame = scene(*blocks(colours))
    (first,) = tracker.start(frame, [box(blocks(colours)[0])])
    tracker.track(frame)
    tracker.stop([first])
    tracker.start(frame, [box(blocks(colours)[1])])

    (track,) = tracker.track(frame)

    assert track.box.center == pytest.approx(box(blocks(colours)[1]).center, abs=2)
    assert recorder.captures == 1


def test_after_a_warm_up_neither_more_targets_nor_lost_ones_wait_for_a_capture(
    make_network, recorder, scene, colours
):
    network = make_network("none")
    config = replace(CONFIG, template_pixels=95, search_pixels=127, lost_after=1)
    tracker = Tracker.of(network, config, GraphRunner(network, recorder))

    tracker.warm_up()
    assert recorder.captures == 5
    assert tracker.ids == ()

    shown, gone = scene(blocks(colours)[0], height=1080, width=1920), scene(height=1080, width=1920)
    for _ in range(16):
        tracker.start(shown, [box(blocks(colours)[0])])
        tracks = tracker.track(gone, hints=[Box(100, 100, 150, 150)])
    assert {track.state for track in tracks} == {TrackState.LOST}
    assert recorder.captures == 5


def test_forty_counts_need_five_captures(make_network, recorder):
    runner = GraphRunner(make_network("none"), recorder)
    small = replace(CONFIG, template_pixels=95, search_pixels=127)

    for count in (*range(1, 41), *range(40, 0, -9)):
        assert len(runner.run(small, [search(count, small)])) == count

    assert runner.sizes(40) == (1, 2, 4, 8, 16)
    assert recorder.captures == 5


def test_more_windows_than_the_largest_bucket_are_several_steps_with_one_answer(
    make_network, recorder, scene, colours
):
    network, config = make_network(), replace(CONFIG, max_targets=19)
    captured = Tracker.of(network, config, GraphRunner(network, recorder))
    frame, boxes = scene(*blocks(colours)), [box(block) for block in blocks(colours)]

    for each in (captured, eager := Tracker.of(make_network(), config)):
        each.start(frame, [boxes[k % 3] for k in range(19)])
    found, wanted = captured.track(frame), eager.track(frame)

    assert centers(found) == [pytest.approx(place, abs=0.5) for place in centers(wanted)]
    assert len({*centers(found)}) == 3
    assert (recorder.captures, recorder.replays) == (2, 2)  # 16 windows, and a bucket of 4 for three


def test_settings_that_change_while_tracking_are_inputs_of_what_was_captured(
    tracker, recorder, make_network, scene, colours
):
    eager = Tracker.of(make_network())
    for each in (tracker, eager):
        each.start(scene(*blocks(colours)), [box(blocks(colours)[0])])
        each.track(scene(*blocks(colours)))

    for changed in ({"roi_scale": 1.1}, {"mask_threshold": 0.9, "reach_threshold": 0.9}, {"penalty_k": 0.9}):
        for each in (tracker, eager):
            each.reconfigure(replace(TrackerConfig(), **changed))
        (found,), (wanted,) = (each.track(scene(*blocks(colours))) for each in (tracker, eager))
        assert found.box == wanted.box
        assert found.mask.area == wanted.mask.area

    assert recorder.captures == 1


def test_trackers_with_other_live_settings_share_what_was_captured(tracker, recorder, scene, colours):
    trackers = tracker, tracker.sibling()
    trackers[1].reconfigure(replace(TrackerConfig(), vote_fraction=0.5))
    for each in trackers:
        each.start(scene(*blocks(colours)), [box(blocks(colours)[0])])

    for shift in range(4):
        trackers[shift % 2].track(scene(*blocks(colours)))

    assert recorder.captures == 1


def test_settings_that_make_other_shapes_are_captured_once_each(network, recorder):
    runner = GraphRunner(network, recorder)

    for _ in range(3):
        for proposals in (5, 10):
            runner.run(replace(CONFIG, proposals=proposals), [search(1)])

    assert recorder.captures == 2


def test_the_steps_that_were_not_used_for_longest_are_captured_again(network, recorder, monkeypatch):
    monkeypatch.setattr(graph, "MOST_STEPS", 2)
    runner = GraphRunner(network, recorder)

    for count in (1, 2, 1, 4, 1):
        runner.run(CONFIG, [search(count)])
    assert recorder.captures == 3
    runner.run(CONFIG, [search(2)])

    assert recorder.captures == 4


def test_frames_of_two_sizes_share_what_was_captured(tracker, recorder, scene, colours):
    trackers = tracker, tracker.sibling()
    for each, height in zip(trackers, (240, 300), strict=True):
        each.start(scene(*blocks(colours), height=height), [box(blocks(colours)[0])])

    for _ in range(3):
        for each, height in zip(trackers, (240, 300), strict=True):
            (track,) = each.track(scene(*blocks(colours), height=height))
            assert track.box.center == pytest.approx(box(blocks(colours)[0]).center, abs=2)

    assert recorder.captures == 1


def test_frames_that_need_a_larger_store_are_captured_anew_and_never_again(
    tracker, recorder, scene, colours, monkeypatch
):
    monkeypatch.setattr(frame_store, "LEAST", 1)
    for height in (240, 500, 240, 500):
        frame = scene(*blocks(colours), height=height)
        tracker.start(frame, [box(blocks(colours)[0])])
        (track,) = tracker.track(frame)
        tracker.stop()
        assert track.box.center == pytest.approx(box(blocks(colours)[0]).center, abs=2)

    assert recorder.captures == 2


def test_several_frames_share_one_captured_step_that_begins_with_patches(
    tracker, recorder, make_network, scene, colours
):
    eager = Tracker.of(make_network())
    teams = [(each, each.sibling()) for each in (tracker, eager)]
    for team in teams:
        for each, height in zip(team, (240, 300), strict=True):
            each.start(scene(*blocks(colours), height=height), [box(block) for block in blocks(colours)])

    for shift in (5, 10, 15):
        frames = [scene(*blocks(colours, shift), height=height) for height in (240, 300)]
        found, wanted = (track_together([*map(Shot, team, frames)]) for team in teams)
        assert [centers(each) for each in found] == [centers(each) for each in wanted]

    assert recorder.captures == 1


def test_a_frame_may_be_a_tensor(tracker, scene, colours):
    frame = torch.from_numpy(np.ascontiguousarray(scene(*blocks(colours))))
    tracker.start(frame, [box(blocks(colours)[0])])

    (track,) = tracker.track(frame)

    assert track.box.center == pytest.approx(box(blocks(colours)[0]).center, abs=2)
