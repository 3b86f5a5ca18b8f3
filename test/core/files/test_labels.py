"""Label pictures in all the forms that they come in."""

import numpy as np
import pytest
from PIL import Image

from s2iammask_core.errors import DatasetError
from s2iammask_core.files.labels import (
    Scheme,
    palette,
    read_labels,
    scheme_of,
    write_labels,
    write_palette_labels,
)

IDS = np.array([[0, 1, 2], [3, 3, 0]], np.uint8)


def saved(path, values, mode=None):
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(path)
    return path


@pytest.mark.parametrize(
    "values",
    [IDS, IDS.astype(np.uint16), np.repeat(IDS[..., None], 3, axis=2), palette()[IDS]],
    ids=["grey", "16 bits", "grey in colours", "DAVIS's colours"],
)
def test_ids_are_the_same_in_every_form(tmp_path, values):
    labels = read_labels(saved(tmp_path / "labels.png", values))

    assert labels.ids.tolist() == IDS.tolist()
    assert labels.objects == [1, 2, 3]
    assert not labels.void.any()


@pytest.mark.parametrize("write", [write_labels, write_palette_labels])
def test_what_is_written_is_read_back(tmp_path, write):
    write(tmp_path / "labels.png", IDS)

    assert read_labels(tmp_path / "labels.png").ids.tolist() == IDS.tolist()


def test_a_picture_of_1_bit_shows_object_1(tmp_path):
    assert read_labels(saved(tmp_path / "labels.png", IDS > 1, "1")).ids.tolist() == [[0, 0, 1], [1, 1, 0]]


def test_transparent_pixels_are_background(tmp_path):
    seen = np.dstack([np.full((2, 3, 3), 255, np.uint8), np.where(IDS > 1, 255, 0).astype(np.uint8)])

    labels = read_labels(saved(tmp_path / "labels.png", seen), Scheme.ONE)

    assert labels.ids.tolist() == [[0, 0, 1], [1, 1, 0]]


@pytest.mark.parametrize(("kind", "void"), [(np.uint8, 255), (np.uint16, 65535)])
def test_the_highest_value_beside_ids_is_void(tmp_path, kind, void):
    values = IDS.astype(kind)
    values[0, 0] = void
    path = saved(tmp_path / "labels.png", values)

    labels = read_labels(path)

    assert scheme_of(path) is Scheme.IDS
    assert labels.void.tolist() == [[True, False, False], [False] * 3]
    assert labels.objects == [1, 2, 3]


@pytest.mark.parametrize("values", [(IDS > 1).astype(np.uint8) * 255, (IDS > 1).astype(np.uint16) * 65535])
def test_0_and_255_are_one_object_where_there_is_one_and_refused_otherwise(tmp_path, values):
    path = saved(tmp_path / "labels.png", values)

    assert scheme_of(path) is scheme_of(path, 1) is Scheme.ONE
    assert read_labels(path, Scheme.ONE).objects == [1]
    with pytest.raises(DatasetError, match=r"labels\.png holds only 0 and .* 2 objects apart"):
        scheme_of(path, 2)


def test_colours_that_stand_for_nothing_and_jpegs_are_refused(tmp_path):
    colours = np.full((4, 4, 3), (9, 0, 7), np.uint8)

    with pytest.raises(DatasetError, match=r"colours such as \(9, 0, 7\)"):
        read_labels(saved(tmp_path / "labels.png", colours))
    with pytest.raises(DatasetError, match=r"labels\.jpg is a JPEG"):
        read_labels(saved(tmp_path / "labels.jpg", IDS))
