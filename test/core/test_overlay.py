import numpy as np
import pytest

from s2iammask_core import Box, RotatedBox
from s2iammask_core.overlay import colour_of, draw_tracks, label_image
from s2iammask_core.tracking.regions import NO_MASK
from s2iammask_core.tracking.track import MaskRegion, Track, TrackState

FRAME = np.full((240, 320, 3), 90, np.uint8)


BOX = Box(100, 80, 160, 140)


def track(id_=1, box=BOX, state=TrackState.TRACKING, mask=NO_MASK):
    return Track(id_, state, 0.9, 0.9, 0.9, box, RotatedBox.from_box(box), mask)


def block(x, y, width, height, probability=1.0):
    return MaskRegion(x, y, np.ones((height, width), bool), np.full((height, width), probability, np.float32))


def test_a_frame_is_copied_not_drawn_upon():
    before = FRAME.copy()

    picture = draw_tracks(FRAME, [track(mask=block(110, 90, 30, 30))])

    assert np.array_equal(FRAME, before)
    assert picture.shape == FRAME.shape
    assert picture.dtype == np.uint8


def test_without_tracks_the_picture_is_the_frame():
    assert np.array_equal(draw_tracks(FRAME, []), FRAME)


def test_a_mask_is_tinted_and_still_shows_what_is_below():
    picture = draw_tracks(FRAME, [track(mask=block(110, 90, 30, 30))])

    inside = picture[105, 125].astype(int)
    assert np.sign(inside - 90).tolist() == np.sign(np.subtract(colour_of(1), 90)).tolist()
    assert picture[200, 300].tolist() == [90, 90, 90]


def test_the_box_is_drawn_in_the_targets_colour():
    picture = draw_tracks(np.full((720, 960, 3), 90, np.uint8), [track()])

    row = picture[110, 95:105].astype(int)
    assert abs(row - colour_of(1)).sum(axis=1).min() < 60


def test_neighbouring_ids_have_clearly_different_colours():
    colours = np.array([colour_of(id_) for id_ in range(1, 9)], int)

    distances = abs(colours[:, None] - colours[None]).sum(axis=2) + 999 * np.eye(8)
    assert distances.min() > 60


def test_an_uncertain_box_is_dashed():
    solid = draw_tracks(FRAME, [track()])
    dashed = draw_tracks(FRAME, [track(state=TrackState.UNCERTAIN)])

    changed = [(picture[85:135, 99:102] != 90).any(axis=(1, 2)).mean() for picture in (solid, dashed)]
    assert changed[0] == 1
    assert 0.4 < changed[1] < 0.95


@pytest.mark.parametrize("box", [Box(-30, -20, 40, 30), Box(300, 220, 400, 300), Box(0, 0, 320, 240)])
def test_boxes_at_the_edge_and_their_labels_fit_into_the_picture(box):
    picture = draw_tracks(FRAME, [track(box=box)], {1: "a long name for a small frame"})

    assert (picture != FRAME).any()


def test_a_label_image_numbers_tracks_in_their_order():
    labels = label_image(
        [track(7, mask=block(10, 20, 30, 40)), track(3, mask=block(100, 100, 10, 10))], (240, 320)
    )

    assert (labels == 1).sum() == 1200
    assert (labels == 2).sum() == 100
    assert labels[25, 15] == 1


def test_a_disputed_pixel_goes_to_the_more_probable_track():
    tracks = [track(1, mask=block(0, 0, 20, 20, 0.7)), track(2, mask=block(10, 0, 20, 20, 0.9))]

    labels = label_image(tracks, (240, 320))

    assert (labels == 1).sum() == 200
    assert (labels == 2).sum() == 400
