"""Objects that hide, leave and come back; look-alikes in between."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from s2iammask_core import Box, Tracker, TrackerConfig, TrackState
from s2iammask_core.tracking.confidence import Health
from s2iammask_core.tracking.redetection import views_of, window_centers
from s2iammask_core.tracking.target import Target

SIZE = (240, 320)
LOST = Health(TrackState.LOST, 5, 1)


@pytest.fixture
def network(make_network):
    """Finds its target by colour, and puts the pattern of its brightness into the template as well."""

    class PatternNetwork(make_network):
        def template(self, patches, masks):
            middle = patches.shape[-1] // 2
            part = patches[:, :, middle - 16 : middle + 16, middle - 16 : middle + 16]
            colour = part.mean(dim=(2, 3), keepdim=True)
            pattern = torch.nn.functional.avg_pool2d((part - colour).mean(dim=1), 4).flatten(1)  # (N, 64)
            return torch.cat([colour.flatten(1), 3 * pattern], dim=1)

    return PatternNetwork()


def two_toned(frame, x, y, colour, *, upright=True):
    """The frame with a block of 40 x 40 pixels of the colour, one half brighter."""
    rows, columns = np.mgrid[:40, :40]
    shade = 25 * np.where((columns if upright else rows) // 20, 1, -1)
    block = np.clip(np.array(colour) + shade[..., None], 0, 255).astype(np.uint8)
    frame[y : y + 40, x : x + 40] = block
    return frame


@pytest.fixture
def tracker(network, scene, colours):
    """Follows a two-toned red block at 60, 60."""
    tracker = Tracker.of(network, TrackerConfig(proposals=2))
    tracker.start(two_toned(scene(), 60, 60, colours[0]), [Box(60, 60, 100, 100)])
    tracker.track(two_toned(scene(), 62, 60, colours[0]))
    return tracker


def states(tracker, frames):
    return [tracker.track(frame)[0].state for frame in frames]


def test_an_object_behind_another_is_lost_within_five_frames_and_found_within_fifteen(
    tracker, scene, colours
):
    red, green, _ = colours
    hidden = states(tracker, [scene((50, 50, 80, 60, green))] * 20)
    seen = states(tracker, [two_toned(scene((50, 50, 80, 60, green)), 140 + k, 62, red) for k in range(15)])

    assert hidden.index(TrackState.LOST) < 5
    assert hidden[5:] == [TrackState.LOST] * 15
    assert TrackState.TRACKING in seen
    assert seen[-1] is TrackState.TRACKING


@pytest.mark.parametrize(("x", "y", "away"), [(270, 190, 40), (5, 195, 8), (275, 5, 8), (150, 100, 8)])
def test_an_object_that_left_and_comes_back_elsewhere_is_found_within_fifteen_frames(
    tracker, scene, colours, x, y, away
):
    gone = states(tracker, [scene()] * away)
    back = [tracker.track(two_toned(scene(), x, y, colours[0]))[0] for _ in range(15)]

    assert set(gone[5:]) == {TrackState.LOST}
    assert back[-1].state is TrackState.TRACKING
    assert back[-1].box.center == pytest.approx((x + 20, y + 20), abs=3)


def test_a_look_alike_that_appears_meanwhile_is_not_taken(tracker, scene, colours):
    gone = states(tracker, [scene()] * 10)
    wrong = states(tracker, [two_toned(scene(), 200, 150, colours[0], upright=False)] * 12)
    right = states(tracker, [two_toned(scene(), 200, 30, colours[0])] * 15)

    assert gone[-1] is TrackState.LOST
    assert set(wrong) == {TrackState.LOST}
    assert right[-1] is TrackState.TRACKING


def test_a_twin_in_another_colour_is_not_taken_even_by_a_network_that_cannot_tell_them_apart(
    make_network, scene
):
    class Colourblind(make_network):
        def template(self, patches, masks):
            return super().template(grey(patches), masks)

        def search(self, templates, patches, prior):
            return super().search(templates, grey(patches), prior)

    def grey(patches):
        return patches.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)

    pink, equally_bright_blue = (255, 190, 200), (180, 210, 255)
    tracker = Tracker.of(Colourblind())
    tracker.start(scene((60, 60, 40, 40, pink)), [Box(60, 60, 100, 100)])
    states(tracker, [scene((60 + k, 60, 40, 40, pink)) for k in range(3)])
    gone = states(tracker, [scene()] * 10)

    wrong = states(tracker, [scene((70, 60, 40, 40, equally_bright_blue))] * 12)
    right = states(tracker, [scene((70, 60, 40, 40, pink))] * 3)

    assert gone[-1] is TrackState.LOST
    assert set(wrong) == {TrackState.LOST}
    assert right[-1] is TrackState.TRACKING


def test_templates_of_all_finds_of_a_frame_are_made_as_one_batch(make_network, scene, colours):
    batches = []

    class Counting(make_network):
        def template(self, patches, masks):
            batches.append(len(patches))
            return super().template(patches, masks)

    blocks = [(60, 60, 40, 40, colours[0]), (200, 150, 40, 40, colours[1])]
    tracker = Tracker.of(Counting())
    tracker.start(scene(*blocks), [Box(60, 60, 100, 100), Box(200, 150, 240, 190)])
    for _ in range(10):
        tracks = tracker.track(scene())
    assert {track.state for track in tracks} == {TrackState.LOST}
    batches.clear()

    tracks = tracker.track(scene(*blocks))

    assert len(batches) == 1
    assert batches[0] >= 2
    assert [track.box.center for track in tracks] == [
        pytest.approx((80, 80), abs=3),
        pytest.approx((220, 170), abs=3),
    ]


def test_colours_are_learned_only_while_the_object_is_surely_seen(tracker, scene):
    known = tracker.targets[0].colours
    states(tracker, [scene()] * 3)

    assert known is not None
    assert tracker.targets[0].colours is known


def test_without_extra_patches_only_the_old_place_is_searched(network, scene, colours):
    tracker = Tracker.of(network, TrackerConfig(redetect_patches=0))
    tracker.start(two_toned(scene(), 60, 60, colours[0]), [Box(60, 60, 100, 100)])
    states(tracker, [scene()] * 6)

    elsewhere = states(tracker, [two_toned(scene(), 270, 190, colours[0])] * 15)
    here = states(tracker, [two_toned(scene(), 70, 65, colours[0])] * 2)

    assert set(elsewhere) == {TrackState.LOST}
    assert here[-1] is TrackState.TRACKING


def test_others_are_tracked_as_before_while_one_is_lost(network, scene, colours):
    red, green, _ = colours
    tracker = Tracker.of(network)
    tracker.start(
        two_toned(scene((200, 100, 40, 40, green)), 60, 60, red),
        [Box(60, 60, 100, 100), Box(200, 100, 240, 140)],
    )

    for step in range(12):
        lost, seen = tracker.track(scene((200 - 4 * step, 100, 40, 40, green)))

    assert (lost.state, seen.state) == (TrackState.LOST, TrackState.TRACKING)
    assert seen.box.center == pytest.approx((220 - 44, 120), abs=2)


def lost_target(id_, x, y):
    return Target(id_, x, y, 40.0, 40.0, Box(x - 20, y - 20, x + 20, y + 20), (0.0, 0.0, 0.0), LOST)


@pytest.mark.parametrize(("lost", "extra"), [(1, 4), (2, 4), (3, 3), (6, 6)])
def test_the_search_costs_a_bounded_number_of_windows(lost, extra):
    targets = tuple(lost_target(k, 100.0, 100.0) for k in range(lost))

    assert len(views_of(targets, TrackerConfig(redetect_patches=4), SIZE)) == lost + extra


def test_the_search_begins_near_and_reaches_the_whole_frame():
    target, centers = lost_target(1, 60.0, 60.0), []
    total = len(window_centers(160.0, SIZE))

    for frame in range(1, total + 1):
        aged = replace(target, health=Health(TrackState.LOST, 5, frame))
        _, view = views_of((aged,), TrackerConfig(redetect_patches=1), SIZE)
        centers.append((view.target.cx, view.target.cy))

    distances = [np.hypot(x - 60, y - 60) for x, y in centers]
    assert distances == sorted(distances)
    assert len(set(centers)) == total


@pytest.mark.parametrize("side", [1.0, 10.0])
def test_the_search_for_a_tiny_object_does_not_hold_up_a_large_frame(side):
    box = Box.from_center(100.0, 100.0, side, side)
    target = Target(1, *box.center, side, side, box, (0.0, 0.0, 0.0), LOST)

    begin = time.process_time()
    views = views_of((target,), TrackerConfig(redetect_patches=4), (2160, 3840))

    assert len(views) == 5
    assert time.process_time() - begin < 0.15


def test_windows_cover_the_frame_and_each_place_is_near_the_middle_of_one():
    centers = window_centers(120.0, SIZE)

    rows, columns = np.mgrid[:240:5, :320:5]
    places = np.stack([columns, rows], axis=-1).reshape(-1, 1, 2)
    assert abs(places - centers).max(axis=2).min(axis=1).max() <= 0.376 * 120


def test_a_window_larger_than_the_frame_lies_in_its_middle():
    assert window_centers(900.0, SIZE).tolist() == [[160.0, 120.0]]
