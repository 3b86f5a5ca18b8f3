"""Pairs, their crops and their augmentation, on drawn objects whose place is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import Annotation, Video, VideoSet
from s2iammask_core.data.augment import AugmentConfig, augment
from s2iammask_core.data.compose import mask_box
from s2iammask_core.data.cutting import context_side, cut
from s2iammask_core.data.mask_sources import of_mask
from s2iammask_core.data.pairs import Pair, PairConfig, PairDataset
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.pictures import write_picture

PLAIN = AugmentConfig(
    template_shift=0,
    template_scale=0,
    search_shift=0,
    search_scale=0,
    flip=0,
    grey=0,
    blur=0,
    contrast=0,
    brightness=0,
)


class DrawnMask:
    """The mask of a rectangle in a frame of 200 x 240."""

    def __init__(self, box):
        self.box = box

    def load(self):
        mask = np.zeros((200, 240), np.bool_)
        mask[int(self.box.y1) : int(self.box.y2), int(self.box.x1) : int(self.box.x2)] = True
        return mask

    def levels(self):
        return of_mask(self.load())


@pytest.fixture
def video_set(tmp_path):
    """Two videos of five frames: a white square that moves on grey, and a black one."""
    videos = []
    for name, colour in (("white", 255), ("black", 0)):
        frames, annotations = [], {}
        for index in range(5):
            box = Box.from_xywh(60 + 10 * index, 80, 40, 40)
            frame = np.full((200, 240, 3), 128, np.uint8)
            frame[80:120, 60 + 10 * index : 100 + 10 * index] = colour
            frames.append(tmp_path / f"{name}{index}.png")
            write_picture(frames[-1], frame)
            annotations[index] = Annotation(box, DrawnMask(box))
        videos.append(Video(name, tuple(frames), {1: annotations}))
    return VideoSet("drawn", videos, 2, None, has_masks=True)


def batch_of(dataset, count=4):
    return Pair(*default_collate([dataset[index] for index in range(count)]))


def test_the_object_is_in_the_middle_of_its_crop_at_the_scale_of_a_template(video_set):
    frame = np.full((200, 240, 3), 128, np.uint8)
    frame[80:120, 60:100] = 255

    cutout = cut(frame, video_set.videos[0].tracks[1][0], 255)

    side = 40 * 127 / context_side(40, 40)
    assert cutout.box == pytest.approx(
        (127.5 - side / 2, 127.5 - side / 2, 127.5 + side / 2, 127.5 + side / 2)
    )
    assert mask_box(cutout.mask) == pytest.approx(cutout.box, abs=1.01)
    assert (cutout.pixels[cutout.mask > 0] > 240).mean() > 0.9


def test_search_crops_can_be_finer_than_templates(video_set):
    frame = np.full((200, 240, 3), 128, np.uint8)
    usual, finer = (cut(frame, video_set.videos[0].tracks[1][0], 391, filled) for filled in (127, 254))

    assert (finer.mask > 0).sum() == pytest.approx(4 * int((usual.mask > 0).sum()), rel=0.05)
    as_they_are = {"negative": 0.0, "composed": 0.0}
    configs = PairConfig(**as_they_are, search_filled=254), PairConfig(**as_they_are)
    fine, coarse = (PairDataset([video_set], config, seed=3, length=4) for config in configs)
    for index in range(4):
        pair, plain = fine[index], coarse[index]
        assert torch.equal(pair.template, plain.template)
        torch.testing.assert_close(pair.box - 215.5, 2 * (plain.box - 215.5), atol=0.01, rtol=0)


def test_a_crop_beyond_the_frame_has_the_frames_mean_colour(video_set):
    frame = np.full((200, 240, 3), 90, np.uint8)
    cutout = cut(frame, video_set.videos[0].tracks[1][0], 511)
    assert (cutout.pixels[0, 0] == 90).all()


def test_a_pair_depends_on_seed_and_index_alone(video_set):
    one, other = (PairDataset([video_set], PairConfig(), seed=3, length=10) for _ in range(2))
    other[0], other[4]

    for left, right in zip(one[7], other[7], strict=True):
        assert torch.equal(left, right)
    assert not torch.equal(one[7].noise, one[6].noise)


def test_a_negative_pair_shows_the_object_of_another_video_and_is_marked(video_set):
    dataset = PairDataset([video_set], PairConfig(negative=1.0), seed=1, length=10)

    pairs = [dataset[index] for index in range(8)]

    assert not any(pair.positive for pair in pairs)
    assert all(int(pair.template[79, 79, 0]) + int(pair.search[215, 215, 0]) == 255 for pair in pairs)


def test_pairs_of_a_single_video_are_never_negative_or_composed(video_set):
    alone = replace(video_set, videos=video_set.videos[:1])
    plain, mixed = (
        PairDataset([alone], PairConfig(negative=share, composed=share), seed=1, length=10)
        for share in (0.0, 0.5)
    )

    for index in range(4):  # another crop would show the object that the label says is not there
        assert mixed[index].positive
        assert torch.equal(mixed[index].search, plain[index].search)


def test_an_object_whose_mask_is_empty_is_an_error_that_names_its_frame(video_set):
    empty = DrawnMask(Box(0, 0, 0, 0))
    videos = [
        replace(video, tracks={1: {k: replace(each, mask=empty) for k, each in video.tracks[1].items()}})
        for video in video_set.videos
    ]
    drawn = replace(video_set, videos=videos)
    dataset = PairDataset([drawn], PairConfig(negative=0, composed=1), seed=1, length=9)

    with pytest.raises(DatasetError, match=r"\d\.png: the mask has no pixel in its object's box"):
        dataset[0]


def test_a_mask_of_another_size_than_its_frame_is_an_error(video_set):
    write_picture(video_set.videos[0].frames[0], np.zeros((100, 120, 3), np.uint8))
    tracks = {1: {0: video_set.videos[0].tracks[1][0]}}
    small = replace(video_set, videos=[replace(video_set.videos[0], tracks=tracks)])

    with pytest.raises(DatasetError, match=r"white0\.png: the mask is 240x200, but its frame is 120x100"):
        PairDataset([small], PairConfig(), seed=1, length=1)[0]


def test_template_and_search_frame_lie_within_the_frame_range(tmp_path, video_set):
    white = video_set.videos[0]
    for index, path in enumerate(white.frames):  # the shade tells the frame
        write_picture(path, np.full((200, 240, 3), 20 * index, np.uint8))
    one = VideoSet("shades", [white], frame_range=2, num_use=None, has_masks=True)
    dataset = PairDataset([one], PairConfig(negative=0, composed=0), seed=1, length=100)

    pairs = [dataset[index] for index in range(30)]

    steps = {int(p.search[100, 100, 0]) // 20 - int(p.template[80, 80, 0]) // 20 for p in pairs}
    assert steps == {-2, -1, 0, 1, 2}


def test_search_frames_of_a_track_with_hard_ones_are_these_and_templates_lie_around_them(video_set):
    white = video_set.videos[0]
    for index, path in enumerate(white.frames):  # the shade tells the frame
        write_picture(path, np.full((200, 240, 3), 20 * index, np.uint8))
    marked = replace(white, hard={1: [1, 4]})
    one = VideoSet("shades", [marked], frame_range=1, num_use=None, has_masks=True)
    dataset = PairDataset([one], PairConfig(negative=0, composed=0), seed=1, length=100)

    pairs = [dataset[index] for index in range(30)]

    shown = {(int(p.search[100, 100, 0]) // 20, int(p.template[80, 80, 0]) // 20) for p in pairs}
    assert shown == {(1, 0), (1, 1), (1, 2), (4, 3), (4, 4)}


def test_patches_without_augmentation_are_the_middle_of_the_crops(video_set):
    config = PairConfig(template_crop=159, search_crop=319, negative=0, composed=0)
    pairs = batch_of(PairDataset([video_set], config, seed=1, length=10))

    batch = augment(pairs, AugmentConfig(**{**vars(PLAIN), "search_pixels": 255}))

    middle = pairs.search[:, 32:-32, 32:-32].permute(0, 3, 1, 2).float()
    lighting = (batch.search - middle).flatten(2)
    assert float((lighting - lighting.median(dim=2, keepdim=True).values).abs().median()) < 1
    torch.testing.assert_close(batch.box, pairs.box - 32)
    assert torch.equal(batch.mask, pairs.mask[:, 32:-32, 32:-32] > 127)


def test_box_and_mask_move_together(video_set):
    config = PairConfig(search_crop=431, negative=0, composed=0)
    pairs = batch_of(PairDataset([video_set], config, seed=1, length=10), 8)

    batch = augment(pairs, AugmentConfig(search_shift=64, search_scale=0.18, flip=0.5))

    for mask, box in zip(batch.mask, batch.box, strict=True):
        drawn = mask_box(mask.numpy().astype(np.uint8) * 255)
        assert drawn == pytest.approx(box.clamp(0, 255).tolist(), abs=1.6)


def test_a_zoom_changes_the_size_of_objects_but_not_their_shape(video_set):
    config = PairConfig(template_crop=159, search_crop=431, negative=0, composed=0)
    pairs = batch_of(PairDataset([video_set], config, seed=1, length=10), 8)

    plain, zoomed = (
        augment(pairs, AugmentConfig(**{**vars(PLAIN), "search_zoom": zoom})).box for zoom in (1.0, 1.6)
    )

    growth = (zoomed[:, 2:] - zoomed[:, :2]) / (plain[:, 2:] - plain[:, :2])
    torch.testing.assert_close(growth[:, 0], growth[:, 1])
    assert (growth >= 1 / 1.6 - 1e-4).all()
    assert (growth <= 1.6 + 1e-4).all()
    assert growth.min() < 0.9
    assert growth.max() > 1.1


def test_a_mirrored_patch_is_mirrored_with_its_box(video_set):
    config = PairConfig(template_crop=159, search_crop=319, negative=0, composed=0)
    pairs = batch_of(PairDataset([video_set], config, seed=1, length=10))

    plain, mirrored = (augment(pairs, AugmentConfig(**{**vars(PLAIN), "flip": flip})) for flip in (0.0, 1.0))

    torch.testing.assert_close(mirrored.search, plain.search.flip(3), atol=1.0, rtol=0)
    torch.testing.assert_close(mirrored.box[:, 0], 255 - plain.box[:, 2])


def test_a_grey_pair_has_no_colour(video_set):
    pairs = batch_of(PairDataset([video_set], PairConfig(negative=0), seed=1, length=10))
    pairs.search[..., 0] = 200

    batch = augment(pairs, AugmentConfig(**{**vars(PLAIN), "grey": 1.0}))

    spread = batch.search.amax(dim=1) - batch.search.amin(dim=1)
    assert (
        float(spread.flatten(1).std(dim=1).max()) < 0.1
    )  # what is left is the lighting, one shift a channel


def test_a_picture_that_is_missing_is_named(video_set):
    gone = video_set.videos[0].frames[0]
    for each in video_set.videos[0].frames:
        each.unlink()
    dataset = PairDataset([VideoSet("d", video_set.videos[:1], 1, None, has_masks=True)], PairConfig(), 1, 5)

    with pytest.raises(DatasetError, match=gone.stem[:-1]):
        dataset[0]
