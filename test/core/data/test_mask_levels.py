"""Pixels of which nobody said what they are, from the label picture to the crop."""

import numpy as np
import pytest
from PIL import Image

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import Annotation
from s2iammask_core.data.cutting import TEMPLATE_PIXELS, context_side, cut
from s2iammask_core.data.mask_sources import KNOWN_OBJECT, UNKNOWN, LabelMask, PolygonMask, RleMask
from s2iammask_core.data.stills import read_stills
from s2iammask_core.files.labels import VOID

BOX = Box.from_xywh(40, 30, 50, 40)


@pytest.fixture
def labels(tmp_path):
    """A label picture of object 1 in a ring of void, and object 2."""
    values = np.zeros((100, 140), np.uint8)
    values[27:73, 37:93] = VOID
    values[30:70, 40:90] = 1
    values[80:95, 10:30] = 2
    path = tmp_path / "labels.png"
    Image.fromarray(values).save(path)
    return path, values


def test_void_of_a_label_picture_is_unknown_for_every_object_of_it(labels):
    path, values = labels

    for label in (1, 2):
        levels = LabelMask(path, label).levels()
        assert ((levels == UNKNOWN) == (values == VOID)).all()
        assert ((levels == KNOWN_OBJECT) == (values == label)).all()
        assert not levels[(values != label) & (values != VOID)].any()


def test_where_all_that_is_marked_is_the_object_nothing_is_unknown(labels):
    path, _ = labels

    levels = LabelMask(path, None).levels()

    assert set(np.unique(levels)) == {0, KNOWN_OBJECT}
    assert ((levels == KNOWN_OBJECT) == LabelMask(path, None).load()).all()


def test_outlines_and_run_lengths_know_everything():
    ring = np.array([[2, 2], [12, 2], [12, 8], [2, 8]], np.float32)
    sources = PolygonMask((ring,), 20, 30), RleMask(np.array([50, 30, 520], np.uint32), 20, 30)

    for source in sources:
        assert (source.levels() == source.load() * np.uint8(KNOWN_OBJECT)).all()


def test_a_crop_keeps_what_is_unknown_around_the_object(labels):
    path, values = labels
    frame = np.zeros((*values.shape, 3), np.uint8)

    levels = cut(frame, Annotation(BOX, LabelMask(path, 1)), 255).mask

    scale = TEMPLATE_PIXELS / context_side(BOX.width, BOX.height)
    assert set(np.unique(levels)) == {0, UNKNOWN, KNOWN_OBJECT}
    assert (levels == KNOWN_OBJECT).sum() == pytest.approx(50 * 40 * scale**2, rel=0.03)
    ring = 56 * 46 - 50 * 40
    assert (levels == UNKNOWN).sum() == pytest.approx(ring * scale**2, rel=0.25)
    middle = levels[127, 127 : 127 + int(40 * scale)]
    assert list(dict.fromkeys(middle.tolist())) == [KNOWN_OBJECT, UNKNOWN, 0]


def test_stills_say_what_their_objects_are_and_whether_all_of_them_are_labelled(tmp_path):
    import json

    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    index = {}
    for name, labelled in (("a", {}), ("b", {"all_objects_labelled": False})):
        Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(tmp_path / "images" / f"{name}.png")
        Image.fromarray(np.ones((60, 80), np.uint8)).save(tmp_path / "masks" / f"{name}.png")
        objects = {"1": {"category": "boat", "area": 4800, "box": [0, 0, 80, 60]}}
        index[name] = {"objects": objects, **labelled}
    (tmp_path / "index.json").write_text(json.dumps(index))

    first, second = read_stills(tmp_path).videos

    assert first.kinds == second.kinds == {1: "boat"}
    assert first.complete
    assert not second.complete
