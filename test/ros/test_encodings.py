"""Every encoding against a reference that is computed here, pixel by pixel."""

import importlib.util
import sys

import cv2
import numpy as np
import pytest
from rosbags.image import image_to_cvimage
from sensor_msgs.msg import CompressedImage, Image

from s2iammask_core.errors import FrameError
from s2iammask_ros.images import encodings
from s2iammask_ros.images.encodings import BAYER, ENCODINGS, UnsupportedEncodingError, image_to_rgb
from s2iammask_ros.messages.arrays import byte_array

HEIGHT, WIDTH = 12, 16
COLOUR_SITES = {"R": 0, "G": 1, "B": 2}


@pytest.fixture
def picture():
    """A smooth picture, so that interpolated colours are close to the true ones."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    planes = [40 + 8 * rows + 2 * columns, 90 + 4 * columns, 200 - 6 * rows - 3 * columns]
    return np.stack(planes, axis=-1).astype(np.uint8)


def message(rows, encoding, padding=0, big_endian=False):
    """rows: the image's bytes or 16-bit values, (H, anything)."""
    if rows.dtype == np.uint16:
        rows = rows.astype(">u2" if big_endian else "<u2").view(np.uint8)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    return Image(
        height=HEIGHT,
        width=WIDTH,
        step=padded.shape[1],
        encoding=encoding,
        is_bigendian=int(big_endian),
        data=byte_array(padded),
    )


def reorder(picture, encoding):
    """The picture's channels as an encoding has them: rgb, bgr, rgba, bgra or mono (the green one)."""
    if encoding.startswith("mono"):
        return picture[..., 1:2]
    order = ["rgb".index(letter) for letter in encoding[:3]]
    alpha = np.full_like(picture[..., :1], 77)
    return np.concatenate([picture[..., order], alpha], axis=-1)[..., : 4 if "a" in encoding else 3]


def mosaic(picture, encoding):
    """One colour for each pixel, in the 2 x 2 pattern that the encoding's name spells from the top left."""
    pattern = encoding.removeprefix("bayer_")[:4].upper()
    values = np.empty(picture.shape[:2], picture.dtype)
    for number, letter in enumerate(pattern):
        row, column = divmod(number, 2)
        values[row::2, column::2] = picture[row::2, column::2, COLOUR_SITES[letter]]
    return values


def to_yuv(picture):
    """Y, U and V of ITU-R BT.601 in studio range, as floats (H, W)."""
    red, green, blue = np.moveaxis(picture.astype(np.float64) / 255, -1, 0)
    y = 16 + 65.481 * red + 128.553 * green + 24.966 * blue
    u = 128 - 37.797 * red - 74.203 * green + 112.0 * blue
    v = 128 + 112.0 * red - 93.786 * green - 18.214 * blue
    return y, u, v


def halved(plane):
    return (plane[:, ::2] + plane[:, 1::2]) / 2


def yuv422(picture, order):
    y, u, v = to_yuv(picture)
    parts = {"y": y[:, ::2], "Y": y[:, 1::2], "u": halved(u), "v": halved(v)}
    return np.stack([parts[letter] for letter in order], axis=-1).round().astype(np.uint8).reshape(HEIGHT, -1)


def planar(picture, order):
    y, u, v = to_yuv(picture)
    chroma = {name: (halved(plane)[::2] + halved(plane)[1::2]) / 2 for name, plane in (("u", u), ("v", v))}
    woven = np.stack([chroma[letter] for letter in order], axis=-1).reshape(HEIGHT // 2, WIDTH)
    return np.vstack([y, woven]).round().astype(np.uint8)


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "rgba8", "bgra8", "mono8"])
def test_eight_bit_encodings_are_exact(picture, encoding, padding):
    rows = reorder(picture, encoding).reshape(HEIGHT, -1)

    frame = image_to_rgb(message(rows, encoding, padding))

    expected = picture if not encoding.startswith("mono") else np.repeat(picture[..., 1:2], 3, axis=2)
    np.testing.assert_array_equal(frame, expected)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("encoding", ["mono16", "rgb16", "bgr16", "rgba16", "bgra16"])
def test_sixteen_bits_are_scaled_to_eight(picture, encoding, big_endian):
    rows = reorder(picture, encoding).reshape(HEIGHT, -1).astype(np.uint16) * 257

    frame = image_to_rgb(message(rows, encoding, padding=6, big_endian=big_endian))

    expected = picture if encoding != "mono16" else np.repeat(picture[..., 1:2], 3, axis=2)
    np.testing.assert_array_equal(frame, expected)


@pytest.mark.parametrize("encoding", BAYER)
def test_bayer_patterns_give_the_colours_back(picture, encoding):
    frame = image_to_rgb(message(mosaic(picture, encoding), encoding, padding=3))

    inside = np.s_[2:-2, 2:-2]
    np.testing.assert_allclose(frame[inside].astype(int), picture[inside], atol=6)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("encoding", [name.replace("8", "16") for name in BAYER])
def test_wide_bayer_patterns_too(picture, encoding, big_endian):
    wide = mosaic(picture, encoding).astype(np.uint16) * 257

    frame = image_to_rgb(message(wide, encoding, big_endian=big_endian))

    inside = np.s_[2:-2, 2:-2]
    np.testing.assert_allclose(frame[inside].astype(int), picture[inside], atol=6)


@pytest.mark.parametrize(
    ("encoding", "order"), [("uyvy", "uyvY"), ("yuv422", "uyvY"), ("yuyv", "yuYv"), ("yuv422_yuy2", "yuYv")]
)
def test_packed_yuv(picture, encoding, order):
    frame = image_to_rgb(message(yuv422(picture, order), encoding, padding=4))

    np.testing.assert_allclose(frame.astype(int), picture, atol=6)  # two pixels share a colour


@pytest.mark.parametrize(("encoding", "order"), [("nv12", "uv"), ("nv21", "vu")])
def test_planar_yuv(picture, encoding, order):
    frame = image_to_rgb(message(planar(picture, order), encoding, padding=4))

    np.testing.assert_allclose(frame.astype(int), picture, atol=10)  # four pixels share a colour


@pytest.mark.parametrize(("suffix", "tolerance"), [(".png", 0), (".jpg", 12)])
def test_compressed_images(picture, suffix, tolerance):
    large = cv2.resize(picture, (160, 120), interpolation=cv2.INTER_LINEAR)
    data = cv2.imencode(suffix, cv2.cvtColor(large, cv2.COLOR_RGB2BGR))[1]

    frame = image_to_rgb(CompressedImage(format=f"rgb8; {suffix[1:]} compressed", data=byte_array(data)))

    np.testing.assert_allclose(frame.astype(int), large, atol=tolerance)


def test_plain_rgb_is_a_view_of_the_message(picture):
    image = message(picture.reshape(HEIGHT, -1), "rgb8", padding=7)

    frame = image_to_rgb(image)

    assert np.shares_memory(frame, np.frombuffer(image.data, np.uint8))


def test_an_unknown_encoding_is_named_with_the_known_ones():
    with pytest.raises(UnsupportedEncodingError, match=r"32FC1.*rgb8"):
        image_to_rgb(Image(height=1, width=1, step=4, encoding="32FC1", data=bytes(4)))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_too_little_data_is_an_error_and_nothing_else(encoding):
    with pytest.raises(FrameError):
        image_to_rgb(Image(height=40, width=40, step=40 * 8, encoding=encoding, data=bytes(100)))


def test_sizes_are_checked_before_memory_is_taken():
    huge = Image(height=2**31, width=2**31, step=2**32 - 1, encoding="rgb8", data=bytes(10))
    with pytest.raises(FrameError, match="max_megapixels"):
        image_to_rgb(huge)


def test_a_small_file_cannot_claim_a_huge_picture(picture):
    data = bytearray(cv2.imencode(".png", picture)[1].tobytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2

    with pytest.raises(FrameError, match="max_megapixels"):
        image_to_rgb(CompressedImage(format="png", data=bytes(data)))


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x04ab", b"GIF89a" + bytes(30)])
def test_what_is_no_jpeg_or_png_is_refused(data):
    with pytest.raises(FrameError):
        image_to_rgb(CompressedImage(format="jpeg", data=data))


BRIDGE = """
import numpy as np

class CvBridge:
    given = ()

    def imgmsg_to_cv2(self, img_msg, desired_encoding="passthrough"):
        self.given = (img_msg, desired_encoding)
        return np.full((img_msg.height, img_msg.width, 3), 7, np.uint8)
"""


@pytest.fixture
def encodings_with(tmp_path, monkeypatch):
    """The module imported beside a package with the interface of cv_bridge, its library given as text."""

    def load(library):
        for name in ("cv_bridge", "cv_bridge.boost", "cv_bridge.boost.cv_bridge_boost"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / "cv_bridge" / "boost").mkdir(parents=True)
        (tmp_path / "cv_bridge" / "__init__.py").write_text(BRIDGE)
        if library is not None:
            (tmp_path / "cv_bridge" / "boost" / "cv_bridge_boost.py").write_text(library)
        monkeypatch.syspath_prepend(tmp_path)
        spec = importlib.util.spec_from_file_location("encodings_anew", encodings.__file__)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)  # where dataclasses look for it
        spec.loader.exec_module(module)
        return module

    return load


def test_cv_bridge_gets_single_bytes_without_padding_where_it_is_installed(picture, encodings_with):
    module = encodings_with("")
    wide = mosaic(picture, "bayer_rggb8").astype(np.uint16) * 257

    frame = module.image_to_rgb(message(wide, "bayer_rggb16", padding=6, big_endian=True))

    given, wanted = module.BRIDGE.__self__.given
    assert (given.encoding, given.step, given.is_bigendian, wanted) == ("bayer_rggb8", WIDTH, 0, "rgb8")
    assert bytes(given.data) == mosaic(picture, "bayer_rggb8").tobytes()
    assert (frame == 7).all()


@pytest.mark.parametrize("library", [None, "raise AttributeError('_ARRAY_API not found')"])
def test_a_cv_bridge_that_cannot_be_loaded_is_passed_by(encodings_with, library):
    """As one that was built for another version of NumPy."""
    assert encodings_with(library).BRIDGE is image_to_cvimage


def test_without_any_bridge_bayer_images_alone_are_refused(encodings_with, picture, monkeypatch):
    monkeypatch.setitem(sys.modules, "rosbags.image", None)
    module = encodings_with(None)

    assert (module.image_to_rgb(message(picture.reshape(HEIGHT, -1), "rgb8")) == picture).all()
    with pytest.raises(module.UnsupportedEncodingError, match="pip install rosbags-image"):
        module.image_to_rgb(message(mosaic(picture, "bayer_rggb8"), "bayer_rggb8"))


def test_other_encodings_do_without_a_bridge(encodings_with):
    module = encodings_with("")
    for encoding in set(ENCODINGS) - {name for name in ENCODINGS if name.startswith("bayer")}:
        image = Image(height=4, width=4, step=32, encoding=encoding, data=bytes(32 * 6))
        assert module.image_to_rgb(image).shape == (4, 4, 3)

    assert module.BRIDGE.__self__.given == ()
