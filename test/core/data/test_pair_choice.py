"""Which objects stand beside others, and which stand for those that are not there."""

import numpy as np
import pytest

from s2iammask_core.boxes import Box
from s2iammask_core.data import pairs
from s2iammask_core.data.annotations import Annotation, Video, VideoSet
from s2iammask_core.data.mask_sources import of_mask
from s2iammask_core.data.pairs import PairConfig, PairDataset
from s2iammask_core.files.pictures import write_picture

CATS, DOG = (250, 200), 60  # brightness of two cats and a dog, on black
PLACE = Box.from_xywh(80, 60, 60, 60)


class Square:
    def levels(self):
        mask = np.zeros((180, 220), np.bool_)
        mask[60:120, 80:140] = True
        return of_mask(mask)


@pytest.fixture
def draw(tmp_path):
    """Makes a video of one frame with a square of a brightness."""

    def make(brightness, kind="", complete=True):
        frame = np.zeros((180, 220, 3), np.uint8)
        frame[60:120, 80:140] = brightness
        path = tmp_path / f"{brightness}.png"
        write_picture(path, frame)
        annotation = Annotation(PLACE, Square())
        return Video(str(brightness), (path,), {1: {0: annotation}}, kinds={1: kind}, complete=complete)

    return make


def of(videos, **settings):
    drawn = VideoSet("drawn", videos, 1, None, has_masks=True, has_kinds=True)
    config = PairConfig(**{"negative": 0.0, "composed": 0.0, "search_crop": 255, **settings})
    return PairDataset([drawn], config, seed=2, length=100)


def test_an_object_said_to_be_absent_is_missing_from_a_completely_labelled_picture(draw):
    dataset = of([draw(200), draw(100), draw(50, complete=False)], negative=1.0)

    found = [dataset[index] for index in range(40)]

    absent = {int(pair.search[127, 127, 0]) for pair in found if not pair.positive}
    assert absent == {200, 100}  # somebody may have left an object like the template's out of the other
    assert {int(pair.template[79, 79, 0]) for pair in found} == {200, 100, 50}


def test_no_object_is_said_to_be_absent_where_no_picture_is_completely_labelled(draw):
    dataset = of([draw(200, complete=False), draw(100, complete=False)], negative=1.0)

    assert all(dataset[index].positive for index in range(10))


def shares_of_dogs(dataset):
    """How many pixels of the cats' search crops are a dog's."""
    found = [dataset[index] for index in range(40)]
    cats = [pair for pair in found if pair.template[79, 79, 0] > 150]
    return [int(((pair.search[..., 0] - DOG).abs() < 3).sum()) for pair in cats]


def test_others_may_all_be_of_the_objects_own_kind(draw, monkeypatch):
    monkeypatch.setattr(pairs, "AT_HOME", 1.0)  # no scenery, which shows objects of any kind
    videos = [*(draw(each, "cat") for each in CATS), draw(DOG, "dog")]
    settings = {"composed": 1.0, "others": 3}

    mixed, alike = (shares_of_dogs(of(videos, alike=share, **settings)) for share in (0.0, 1.0))

    assert sum(each > 500 for each in mixed) > 3
    assert max(alike) < 100  # a seam's shades


def test_the_prior_of_a_still_is_its_own_mask_and_both_crops_are_of_one_frame(draw):
    pair = of([draw(200)])[0]

    assert pair.same
    assert not pair.moved
    assert (pair.prior == pair.mask).all()


def test_composed_crops_are_not_said_to_show_the_same(draw):
    pair = of([draw(200), draw(100)], composed=1.0)[0]

    assert not pair.same
    assert (pair.prior == pair.mask).all()


def test_the_prior_of_a_video_is_the_mask_of_a_frame_nearby_in_the_window_of_the_search_crop(tmp_path):
    class At:
        def __init__(self, x):
            self.x = x

        def levels(self):
            mask = np.zeros((180, 220), np.bool_)
            mask[60:120, self.x : self.x + 60] = True
            return of_mask(mask)

    boxes = [Box.from_xywh(x, 60, 60, 60) for x in (60, 80)]
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for number, path in enumerate(paths):
        write_picture(path, np.full((180, 220, 3), 100 * number, np.uint8))
    track = {number: Annotation(box, At(int(box.x1))) for number, box in enumerate(boxes)}
    moving = VideoSet("moving", [Video("v", paths, {1: track})], 1, None, has_masks=True, step_range=1)
    dataset = PairDataset([moving], PairConfig(negative=0, composed=0), seed=3, length=50)

    moved = [pair for pair in (dataset[index] for index in range(20)) if pair.moved]

    step = 20 * 127 / 120  # of a frame of 60 + 60 pixels in crop pixels
    for pair in moved:
        shift = np.flatnonzero(pair.prior.any(dim=0))[0] - np.flatnonzero(pair.mask.any(dim=0))[0]
        assert shift == pytest.approx(step if pair.search[0, 0, 0] < 50 else -step, abs=1.1)
    assert len(moved) > 3
