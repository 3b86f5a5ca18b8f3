"""Targets of a clip: boxes may be drawn in any frame, in any order."""

import numpy as np
import pytest

from s2iammask_core import Box, RotatedBox, Tracker, TrackerConfig
from s2iammask_core.errors import TargetError
from s2iammask_core.page.clip.records import PackedMask
from s2iammask_core.page.clip.targets import ClipTargets
from s2iammask_core.tracking.track import MaskRegion

COUNT, RATE = 8, 4.0


@pytest.fixture
def frames(scene, colours):
    """A red block moves to the right, a green one down."""
    red, green, _ = colours
    return [
        scene((50 + 6 * number, 60, 40, 30, red), (220, 80 + 5 * number, 30, 40, green))
        for number in range(COUNT)
    ]


RED, GREEN = (
    RotatedBox.from_box(Box.from_xywh(50, 60, 40, 30)),
    RotatedBox.from_box(Box.from_xywh(220, 80, 30, 40)),
)


@pytest.fixture
def targets(network):
    return ClipTargets(Tracker.of(network), RATE)


def track_on(targets, frames):
    """To the end, as the player does it."""
    while (number := targets.first_open(len(frames))) is not None:
        targets.track(number, frames[number])


def test_what_is_found_is_what_the_tracker_finds(targets, frames, network):
    tracker = Tracker.of(network)
    tracker.start(frames[0], [RED])
    expected = [tracker.track(frame)[0] for frame in frames[1:]]

    targets.start(0, frames[0], RED)
    track_on(targets, frames)

    for number, track in enumerate(expected, start=1):
        (found,) = targets.tracks(number)
        assert (found.box, found.rotated_box, found.confidence) == (
            track.box,
            track.rotated_box,
            track.confidence,
        )
        np.testing.assert_array_equal(found.mask.pixels, track.mask.pixels)


def test_the_first_frame_shows_the_box_that_was_drawn_and_a_mask(targets, frames):
    targets.start(2, frames[2], RotatedBox(82, 75, 40, 30, 0.0), "cup")

    (seen,) = targets.seen(2)

    assert (seen.label, seen.box) == ("cup", RotatedBox(82, 75, 40, 30, 0.0))
    assert seen.mask.area == pytest.approx(40 * 30, rel=0.2)
    assert targets.seen(1) == targets.seen(3) == []


def test_a_box_in_a_later_frame_corrects_what_follows_and_nothing_before_it(targets, frames):
    targets.start(0, frames[0], RED)
    targets.start(0, frames[0], GREEN)
    track_on(targets, frames)
    before, other = targets.tracks(3)[0], targets.tracks(6)[1]

    targets.start(4, frames[4], RotatedBox(235, 120, 30, 40, 0.0), id_="1")  # it is the green one after all

    assert targets.tracks(3)[0].box == before.box
    assert targets.first_open(COUNT) == 5
    track_on(targets, frames)
    assert targets.seen(7)[0].box.cy == pytest.approx(135, abs=3)
    assert targets.tracks(6)[1].box == other.box
    assert targets.lanes()[0]["boxes"] == [0, 4]


def test_a_correction_before_another_one_reaches_up_to_it(targets, frames):
    targets.start(0, frames[0], RED)
    track_on(targets, frames)
    targets.start(5, frames[5], RotatedBox(100, 75, 40, 30, 0.0), id_="1")
    track_on(targets, frames)
    last = targets.tracks(7)[0].box

    targets.start(2, frames[2], RotatedBox(235, 110, 30, 40, 0.0), id_="1")
    track_on(targets, frames)

    assert targets.seen(4)[0].box.cx == pytest.approx(235, abs=3)
    assert targets.tracks(7)[0].box == last


def test_the_same_frame_can_be_drawn_anew(targets, frames):
    targets.start(0, frames[0], GREEN)
    targets.start(0, frames[0], RED, id_="1")
    track_on(targets, frames)

    assert targets.lanes()[0]["boxes"] == [0]
    assert targets.seen(7)[0].box.cx == pytest.approx(112, abs=3)


def test_a_stop_forgets_what_follows_and_ends_the_tracking_there(targets, frames):
    targets.start(0, frames[0], RED)
    track_on(targets, frames)

    assert targets.stop(["1"], 5) == ["1"]

    assert [len(targets.seen(number)) for number in range(COUNT)] == [1, 1, 1, 1, 1, 0, 0, 0]
    assert targets.first_open(COUNT) is None


def test_a_correction_behind_a_stop_begins_anew(targets, frames):
    targets.start(0, frames[0], RED)
    targets.stop(["1"], 1)
    targets.start(4, frames[4], RotatedBox(94, 75, 40, 30, 0.0), id_="1")
    track_on(targets, frames)

    assert [len(targets.seen(number)) for number in range(COUNT)] == [1, 0, 0, 0, 1, 1, 1, 1]


def test_a_target_stopped_in_its_first_frame_is_gone(targets, frames):
    targets.start(3, frames[3], RED)
    targets.start(3, frames[3], GREEN)

    targets.stop(None, 3)

    assert targets.lanes() == []


def test_what_cannot_be_done_leaves_everything_as_it_was(targets, frames):
    targets.start(0, frames[0], RED, "cup")
    before = targets.lanes()

    for action, reason in (
        (lambda: targets.start(1, frames[1], RotatedBox(900, 900, 5, 5, 0.0)), "outside"),
        (lambda: targets.start(1, frames[1], RotatedBox(900, 900, 5, 5, 0.0), id_="1"), "outside"),
        (lambda: targets.start(1, frames[1], RED, id_="7"), "no target '7'"),
        (lambda: targets.stop(["1", "x"], 0), "no target 'x'"),
    ):
        with pytest.raises(TargetError, match=reason):
            action()
        assert targets.lanes() == before


def test_more_targets_than_the_tracker_takes_are_refused(network, frames):
    targets = ClipTargets(Tracker.of(network, TrackerConfig(max_targets=1)), RATE)
    targets.start(0, frames[0], RED)

    with pytest.raises(TargetError, match=r"max_targets \(1\)"):
        targets.start(0, frames[0], GREEN)


def test_lanes_say_in_which_frames_a_target_is_what(targets, frames, scene):
    targets.start(0, frames[0], RED, "cup")
    empty = [*frames[:3], *[scene()] * 9]

    track_on(targets, empty)

    (lane,) = targets.lanes()
    assert (lane["id"], lane["label"], lane["boxes"]) == ("1", "cup", [0])
    states = [state for _, _, state in lane["runs"]]
    assert states[0] == "tracking"
    assert states[-1] == "lost"
    assert lane["runs"][0][0] == 0
    assert lane["runs"][-1][1] == 12
    assert all(one[1] == next_[0] for one, next_ in zip(lane["runs"], lane["runs"][1:], strict=False))
    assert targets.seen(11)[0].age == pytest.approx((11 - lane["runs"][-1][0]) / RATE)


def test_trails_are_of_the_last_frames(targets, frames):
    targets.start(0, frames[0], RED)
    track_on(targets, frames)

    trails = targets.trails(6, 2)

    assert [time for time, _ in trails["1"]] == [1.0, 1.25, 1.5]
    assert all(0 <= confidence <= 1 for _, confidence in trails["1"])


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (13, 21)])
def test_a_packed_mask_comes_back(shape):
    probability = np.random.default_rng(0).random(shape, np.float32)
    mask = MaskRegion(3, 4, probability > 0.5, probability)

    back = PackedMask.of(mask).mask

    assert (back.x, back.y) == (3, 4)
    np.testing.assert_array_equal(back.pixels, mask.pixels)
    np.testing.assert_allclose(back.probability, probability, atol=0.002)
