"""Label pictures in all the forms that they come in."""

import struct
import zlib

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
from s2iammask_core.files.pictures import picture_size

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


def grey(path, bits, colour=0):
    """A PNG (1, 3) of the values 0, 1 and 2 with so many bits, in as many channels as its colours have."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    values = [value for value in (0, 1, 2) for _ in range(channels)]
    row = int("".join(f"{value:0{bits}b}" for value in values).ljust(8 * 24, "0"), 2).to_bytes(24, "big")
    row = b"\0" + row[: (bits * len(values) + 7) // 8]
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 3, 1, bits, colour, 0, 0, 0)), (b"IDAT", zlib.compress(row))]
    chunks = [
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in [*parts, (b"IEND", b"")]
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


@pytest.mark.parametrize(
    ("bits", "colour"),
    [(2, 0), (4, 0), (16, 2), (16, 4), (16, 6)],
    ids=["grey of 2 bits", "grey of 4", "colours of 16", "grey of 16 with opacity", "both of 16"],
)
def test_depths_that_are_stretched_or_narrowed_are_refused(tmp_path, bits, colour):
    with pytest.raises(DatasetError, match=r"labels\.png has pixels of a depth"):
        read_labels(grey(tmp_path / "labels.png", bits, colour))


@pytest.mark.parametrize("head", [b"P5 3 1 2\n", b"P5 3 1 255\n"])
def test_a_pgm_is_read_if_its_values_are_not_stretched(tmp_path, head):
    path = tmp_path / "labels.pgm"
    path.write_bytes(head + bytes([0, 1, 2]))

    if b"255" in head:
        assert read_labels(path).ids.tolist() == [[0, 1, 2]]
    else:
        with pytest.raises(DatasetError, match="of a depth"):
            read_labels(path)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("labels.webp", {"lossless": True}, "is a WEBP, which may change values"),
        ("labels.jpg", {}, "is a JPEG, which may change values"),
        ("labels.tiff", {"compression": "jpeg"}, "is a TIFF compressed as jpeg, which may change values"),
        ("labels.png", {"save_all": True, "append_images": [Image.fromarray(IDS[::-1])]}, "holds 2 pictures"),
    ],
)
def test_what_may_change_values_or_holds_several_pictures_is_refused(tmp_path, name, options, said):
    Image.fromarray(np.tile(IDS, (8, 8))).save(tmp_path / name, **options)

    with pytest.raises(DatasetError, match=said):
        read_labels(tmp_path / name)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_label_picture_is_turned_as_it_says_like_a_frame(tmp_path, kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "labels.png"
    Image.fromarray(IDS.astype(kind)).save(path, exif=exif)

    labels = read_labels(path)

    assert labels.ids.shape[::-1] == picture_size(path) == (2, 3)
    assert labels.ids.tolist() == np.rot90(IDS, -1).tolist()
