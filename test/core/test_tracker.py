from dataclasses import replace

import numpy as np
import pytest
import torch

from s2iammask_core import Box, RotatedBox, Tracker, TrackerConfig, TrackState
from s2iammask_core.errors import ConfigError, TargetError

METHODS = [("roi", "s2iammask"), ("cell", "s2iammask"), ("none", "s2iammask"), ("cell", "siammask")]


@pytest.fixture
def red(colours):
    return colours[0]


@pytest.fixture
def green(colours):
    return colours[1]


@pytest.fixture
def tracker(network):
    return Tracker.of(network)


def corners(box):
    return box.x1, box.y1, box.x2, box.y2


@pytest.mark.parametrize(("source", "compat"), METHODS)
def test_follows_a_block_that_moves(make_network, scene, red, source, compat):
    tracker = Tracker.of(make_network(source), TrackerConfig(compat=compat))
    tracker.start(scene((50, 50, 40, 30, red)), [Box(50, 50, 90, 80)])

    for step in range(1, 15):
        x, y = 50 + 6 * step, 50 + 3 * step
        (track,) = tracker.track(scene((x, y, 40, 30, red)))
        assert corners(track.box) == pytest.approx((x, y, x + 40, y + 30), abs=3)
        assert track.state is TrackState.TRACKING


def test_follows_several_objects_at_once_each_by_its_own_template(tracker, scene, red, green):
    boxes = [Box(40, 40, 80, 70), Box(200, 100, 230, 150)]
    tracker.start(scene((40, 40, 40, 30, red), (200, 100, 30, 50, green)), boxes)

    for step in range(1, 8):
        objects = (40 + 6 * step, 40, 40, 30, red), (200 - 5 * step, 100, 30, 50, green)
        first, second = tracker.track(scene(*objects))

    assert corners(first.box) == pytest.approx((82, 40, 122, 70), abs=3)
    assert corners(second.box) == pytest.approx((165, 100, 195, 150), abs=3)


def test_several_targets_are_tracked_as_each_would_be_alone(make_network, scene, red, green):
    first, second = (40, 40, 40, 30, red), (200, 100, 30, 50, green)
    together, alone = Tracker.of(make_network()), Tracker.of(make_network())
    together.start(scene(first, second), [Box(40, 40, 80, 70), Box(200, 100, 230, 150)])
    alone.start(scene(first, second), [Box(200, 100, 230, 150)])

    moved = scene((45, 42, 40, 30, red), (204, 97, 30, 50, green))

    assert together.track(moved)[1].box == alone.track(moved)[0].box


def test_the_mask_lies_on_the_object(tracker, scene, red):
    tracker.start(scene((50, 50, 40, 30, red)), [Box(50, 50, 90, 80)])

    (track,) = tracker.track(scene((56, 53, 40, 30, red)))

    truth = np.zeros((240, 320), bool)
    truth[53:83, 56:96] = True
    found = track.mask.full(240, 320)
    assert (truth & found).sum() / (truth | found).sum() > 0.85
    assert track.agreement > 0.9


def test_follows_an_object_that_grows(tracker, scene, red):
    tracker.start(scene((100, 100, 30, 30, red)), [Box(100, 100, 130, 130)])

    for growth in range(2, 30, 2):
        x = 100 - growth
        (track,) = tracker.track(scene((x, x, 30 + 2 * growth, 30 + 2 * growth, red)))

    assert track.box.width == pytest.approx(86, abs=6)


@pytest.mark.parametrize("kind", ["box", "rotated", "polygon", "mask", "tensor"])
def test_starts_from_any_kind_of_region(tracker, scene, red, kind):
    box = Box(50, 50, 90, 80)
    mask = np.zeros((240, 320), bool)
    mask[50:80, 50:90] = True
    polygon = np.array([[50, 50], [90, 50], [90, 80], [50, 80]])
    regions = {"box": box, "rotated": RotatedBox.from_box(box), "polygon": polygon, "mask": mask}
    regions["tensor"] = torch.from_numpy(mask)

    tracker.start(scene((50, 50, 40, 30, red)), [regions[kind]])

    (target,) = tracker.targets
    assert (target.cx, target.cy, target.width, target.height) == (70, 65, 40, 30)


def test_an_object_half_outside_the_frame_starts_with_its_visible_part(tracker, scene, red):
    tracker.start(scene((-20, 50, 40, 30, red)), [Box(-20, 50, 20, 80)])

    assert tracker.targets[0].believed == Box(0, 50, 20, 80)


def test_a_tensor_frame_gives_the_same_track_as_an_array(make_network, scene, red):
    frames = scene((50, 50, 40, 30, red)), scene((55, 52, 40, 30, red))
    arrays, tensors = Tracker.of(make_network()), Tracker.of(make_network())
    arrays.start(frames[0], [Box(50, 50, 90, 80)])
    tensors.start(torch.from_numpy(frames[0]), [Box(50, 50, 90, 80)])

    assert arrays.track(frames[1])[0].box == tensors.track(torch.from_numpy(frames[1]))[0].box


def test_a_view_of_a_larger_image_is_a_frame(tracker, scene, red):
    reversed_twice = scene((50, 50, 40, 30, red))[:, :, ::-1].copy()[:, :, ::-1]
    tracker.start(reversed_twice, [Box(50, 50, 90, 80)])

    assert tracker.track(reversed_twice)[0].state is TrackState.TRACKING


def test_a_tracker_without_targets_answers_nothing(tracker, scene):
    assert tracker.track(scene()) == []
    assert tracker.start(scene(), []) == []
    assert (tracker.ids, tracker.frame_size) == ((), None)


def test_ids_are_new_for_every_target_and_never_used_again(tracker, scene):
    first = tracker.start(scene(), [Box(10, 10, 40, 40), Box(60, 10, 90, 40)])
    tracker.stop([first[1]])
    second = tracker.start(scene(), [Box(60, 10, 90, 40)])

    assert (first, second, tracker.ids) == ([1, 2], [3], (1, 3))


def test_given_ids_are_kept_and_later_ones_come_after_them(tracker, scene):
    tracker.start(scene(), [Box(10, 10, 40, 40)], ids=[7])

    assert tracker.start(scene(), [Box(60, 10, 90, 40)]) == [8]
    assert tracker.ids == (7, 8)


def test_stopping_one_target_leaves_the_others_as_they_were(tracker, scene, red, green):
    both = scene((40, 40, 40, 30, red), (200, 100, 30, 50, green))
    red_id, green_id = tracker.start(both, [Box(40, 40, 80, 70), Box(200, 100, 230, 150)])
    kept = tracker.targets[1]

    tracker.stop([red_id])

    assert tracker.targets == (kept,)
    (track,) = tracker.track(both)
    assert (track.id, track.box.center) == (green_id, pytest.approx((215, 125), abs=1))


def test_stopping_all_forgets_the_frame_size(tracker, scene):
    tracker.start(scene(), [Box(10, 10, 40, 40)])

    tracker.stop()

    assert tracker.frame_size is None
    assert tracker.start(scene(height=300), [Box(10, 10, 40, 40)]) == [2]


def test_an_object_that_vanishes_is_lost_and_its_target_does_not_drift(tracker, scene, red):
    tracker.start(scene((50, 50, 40, 30, red)), [Box(50, 50, 90, 80)])
    tracker.track(scene((54, 52, 40, 30, red)))
    (before,) = tracker.targets

    seen = [tracker.track(scene())[0] for _ in range(8)]

    (after,) = tracker.targets
    assert [track.state for track in seen[3:5]] == [TrackState.UNCERTAIN, TrackState.LOST]
    assert (after.cx, after.cy, after.width, after.height) == (
        before.cx,
        before.cy,
        before.width,
        before.height,
    )
    assert seen[-1].box == before.believed
    assert seen[-1].mask.area == 0


def test_an_object_that_comes_back_where_it_was_is_found(tracker, scene, red):
    tracker.start(scene((50, 50, 40, 30, red)), [Box(50, 50, 90, 80)])
    for _ in range(8):
        tracker.track(scene())

    (track,) = tracker.track(scene((60, 55, 40, 30, red)))

    assert track.state is TrackState.TRACKING
    assert corners(track.box) == pytest.approx((60, 55, 100, 85), abs=3)


def test_live_settings_change_while_tracking_and_others_do_not(tracker, scene):
    tracker.start(scene(), [Box(10, 10, 40, 40)])

    tracker.reconfigure(replace(tracker.config, mask_threshold=0.4))

    assert tracker.config.mask_threshold == 0.4
    with pytest.raises(ConfigError, match="proposals cannot change"):
        tracker.reconfigure(replace(tracker.config, proposals=5))


def test_the_box_branch_decides_the_state_where_the_mask_is_too_small(network, scene, red):
    tracker = Tracker.of(network, TrackerConfig(min_mask_area=1e5))
    tracker.start(scene((50, 50, 40, 30, red)), [Box(50, 50, 90, 80)])

    (track,) = tracker.track(scene((54, 52, 40, 30, red)))

    assert track.rotated_box == RotatedBox.from_box(track.box)
    assert corners(track.box) == pytest.approx((54, 52, 94, 82), abs=1.5)


def test_frames_may_be_read_only_padded_or_broadcast(network, scene, red):
    frame = scene((50, 50, 40, 30, red))
    padded = np.zeros((240, 350, 4), np.uint8)
    padded[:, :320, :3] = frame
    padded.setflags(write=False)
    tracker = Tracker.of(network)

    tracker.start(padded[:, :320, :3], [Box(50, 50, 90, 80)])

    assert tracker.track(padded[:, :320, :3])[0].state is TrackState.TRACKING
    assert len(tracker.track(np.broadcast_to(frame[..., :1], (240, 320, 3)))) == 1


def test_a_sibling_catches_up_and_joins_under_its_own_ids(tracker, scene, red, green):
    first = scene((40, 40, 40, 30, red), (200, 100, 30, 50, green))
    tracker.start(first, [Box(40, 40, 80, 70)])
    late = tracker.sibling()
    late.start(first, [Box(200, 100, 230, 150)], ids=[9])
    late.track(scene((44, 40, 40, 30, red), (196, 100, 30, 50, green)))

    tracker.absorb(late)

    assert (tracker.ids, late.ids) == ((1, 9), ())
    tracks = tracker.track(scene((46, 40, 40, 30, red), (192, 100, 30, 50, green)))
    assert [track.box.center for track in tracks] == [
        pytest.approx((66, 55), abs=2),
        pytest.approx((207, 125), abs=2),
    ]


def test_a_twin_goes_its_own_way(tracker, scene, red):
    tracker.start(scene((40, 40, 40, 30, red)), [Box(40, 40, 80, 70)])
    twin = tracker.twin()

    (seen,) = twin.track(scene((50, 44, 40, 30, red)))
    twin.stop()

    assert seen.box.center == pytest.approx((70, 59), abs=2)
    assert (tracker.ids, twin.ids) == ((1,), ())
    assert tracker.track(scene((40, 40, 40, 30, red)))[0].box.center == pytest.approx((60, 55), abs=2)


def test_a_sibling_whose_id_is_taken_does_not_join(tracker, scene):
    tracker.start(scene(), [Box(10, 10, 40, 40)])
    other = tracker.sibling()
    other.start(scene(), [Box(60, 60, 90, 90)])

    with pytest.raises(TargetError, match="ids must be new"):
        tracker.absorb(other)

    assert (tracker.ids, other.ids) == ((1,), (1,))
