import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import Annotation
from s2iammask_core.data.mask_sources import LabelMask, PolygonMask, RleMask, outline_box
from s2iammask_core.data.readers.table import BoxTable, FrameTable, VideoTable
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.segmentations import decode_counts

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12))


def run_lengths(mask):
    """Down the columns, beginning with background."""
    flat = mask.T.ravel()
    changes = np.flatnonzero(np.diff(flat)) + 1
    bounds = [0, *changes.tolist(), len(flat)]
    lengths = np.diff(bounds).tolist()
    return [0, *lengths] if flat[0] else lengths


def compressed(counts):
    """COCO's string, from its description: 5 bits a character, low ones first, bit 5 while more follow."""
    text = ""
    for place, count in enumerate(counts):
        value, more = count - (counts[place - 2] if place > 2 else 0), True
        while more:
            bits, value = value & 0x1F, value >> 5
            more = value != (-1 if bits & 0x10 else 0)
            text += chr(48 + bits + 32 * more)
    return text


@given(masks)
def test_run_lengths_give_back_the_mask(mask):
    counts = np.array(run_lengths(mask), np.uint32)

    np.testing.assert_array_equal(RleMask(counts, *mask.shape).load(), mask)


@given(st.lists(st.integers(0, 2**31)))
def test_compressed_run_lengths_give_back_the_counts(counts):
    assert decode_counts(compressed(counts)) == counts


def test_the_fourth_run_is_told_by_its_change_from_the_second():
    assert decode_counts("]1Y163") == [45, 41, 6, 41 + 3]


def test_run_lengths_of_another_size_are_an_error():
    with pytest.raises(DatasetError, match="sum to 5, not to 2 x 3"):
        RleMask(np.array([2, 3], np.uint32), 2, 3).load()


sides = st.integers(0, 20)


@given(sides, sides, st.integers(1, 20), st.integers(1, 20))
def test_a_rectangle_with_whole_corners_is_filled_exactly(x, y, width, height):
    corners = [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]

    mask = PolygonMask((np.array(corners, np.float32),), 40, 50).load()

    expected = np.zeros((40, 50), bool)
    expected[y : y + height, x : x + width] = True
    np.testing.assert_array_equal(mask, expected)


def test_a_disc_has_the_area_of_a_disc():
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.stack([30.3 + 20 * np.cos(angles), 29.6 + 20 * np.sin(angles)], axis=1).astype(np.float32)

    mask = PolygonMask((ring,), 60, 60).load()

    assert mask.sum() == pytest.approx(np.pi * 20**2, rel=0.02)


def test_outlines_that_overlap_are_joined():
    left = np.array([[2, 2], [12, 2], [12, 8], [2, 8]], np.float32)

    mask = PolygonMask((left, left + np.float32([5, 0])), 20, 30).load()

    assert mask[2:8, 2:17].all()
    assert mask.sum() == 6 * 15


def test_what_sticks_out_of_the_frame_is_cut_off():
    ring = np.array([[-10, -10], [5, -10], [5, 4], [-10, 4]], np.float32)

    mask = PolygonMask((ring,), 20, 30).load()

    assert mask.sum() == 5 * 4


def test_an_outline_thinner_than_half_a_pixel_keeps_the_pixels_that_are_most_in_it():
    sliver = np.array([[2, 3], [9, 3], [9, 3.3], [2, 3.3]], np.float32)

    mask = PolygonMask((sliver,), 20, 30).load()

    assert np.argwhere(mask).tolist() == [[3, x] for x in range(2, 9)]


def test_an_outline_outside_the_frame_is_an_error():
    with pytest.raises(DatasetError, match="no pixel of the picture"):
        PolygonMask((np.full((4, 2), -5, np.float32),), 6, 8).load()


def test_the_indices_of_a_palette_picture_are_the_labels(drawing):
    drawing.labels("labels.png", {1: (0, 0, 10, 10), 3: (20, 0, 5, 5)})
    path = drawing.root / "labels.png"

    assert LabelMask(path, 3).load().sum() == 25
    assert LabelMask(path, None).load().sum() == 125


def test_a_colour_picture_cannot_hold_labels_but_can_hold_one_object(drawing):
    values = np.zeros((20, 30, 3), np.uint8)
    values[5:10, 5:15] = (0, 0, 9)
    drawing.root.mkdir()
    Image.fromarray(values).save(drawing.root / "colour.png")

    assert LabelMask(drawing.root / "colour.png", None).load().sum() == 50
    with pytest.raises(DatasetError, match=r"colour\.png has colours such as \(0, 0, 9\)"):
        LabelMask(drawing.root / "colour.png", 1).load()


def test_a_mask_that_is_missing_or_broken_is_named(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")

    with pytest.raises(DatasetError, match=r"there is no picture .*gone\.png"):
        LabelMask(tmp_path / "gone.png", 1).load()
    with pytest.raises(DatasetError, match=r"cannot read the picture .*broken\.png"):
        LabelMask(tmp_path / "broken.png", 1).load()


def test_the_box_of_a_mask_leaves_specks_out():
    mask = np.zeros((30, 40), bool)
    mask[10:20, 5:25] = True
    mask[2, 35] = mask[28, 0] = True

    assert outline_box(mask) == (5, 10, 25, 20)
    assert outline_box(np.zeros((5, 5), bool)) is None


rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 4), st.integers(0, 2), st.integers(0, 2)),
    unique_by=lambda row: row[:3],
    min_size=1,
).filter(lambda rows: any(w and h for *_, w, h in rows))


def video_table(rows, root):
    names = [(f"video{number}", f"folder{number}") for number in range(3)]
    frames = FrameTable.of(root, names, [[f"{stem:05d}" for stem in range(5)]] * 3, ".jpg")
    video, track, frame, width, height = (np.array(column, np.int32) for column in zip(*rows, strict=True))
    boxes = np.stack([frame, track, frame + width, track + height], axis=1).astype(np.float32)
    return VideoTable(frames, BoxTable(video, track, frame, boxes))


@settings(deadline=None)
@given(rows)
def test_every_box_with_an_area_is_found_by_video_track_and_frame(tmp_path_factory, rows):
    videos = pickle.loads(pickle.dumps(video_table(rows, tmp_path_factory.getbasetemp())))

    found = {
        (video.name, track, frame): annotation
        for video in videos
        for track, annotations in video.tracks.items()
        for frame, annotation in annotations.items()
    }

    expected = {
        (f"video{video}", track, frame): Annotation(Box(frame, track, frame + w, track + h))
        for video, track, frame, w, h in rows
        if w and h
    }
    assert found == expected


def test_the_frames_of_a_track_rise_and_others_are_not_in_it(tmp_path):
    (video,) = video_table([(1, 2, 4, 1, 1), (1, 2, 0, 1, 1), (1, 2, 3, 1, 0)], tmp_path)

    assert list(video.tracks[2]) == [0, 4]
    assert 3 not in video.tracks[2]
    assert 5 not in video.tracks[2]
    assert video.frames[4] == tmp_path / "folder1" / "00004.jpg"
    assert [path.name for path in video.frames[3:]] == ["00003.jpg", "00004.jpg"]


def test_videos_are_counted_and_sliced_as_in_a_list(tmp_path):
    videos = video_table([(0, 1, 0, 1, 1), (2, 1, 0, 1, 1)], tmp_path)

    assert [video.name for video in videos[-2:]] == ["video0", "video2"]
    assert videos[-1].name == "video2"
    with pytest.raises(IndexError):
        videos[2]


def test_a_set_without_any_object_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="no annotated object"):
        video_table([(0, 1, 0, 0, 1)], tmp_path)
