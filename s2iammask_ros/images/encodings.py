"""Image messages to RGB frames: pure functions of the message, no node and no state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from s2iammask_core.errors import FrameError
from s2iammask_ros.images.compressed import compressed_size
from s2iammask_ros.messages.arrays import byte_array

Frame = NDArray[np.uint8]  # (H, W, 3) RGB

PLAIN = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}  # encoding: bytes a pixel
# two pixels in four bytes; no work for a bridge: cv_bridge knows two of the names, and on Humble only one
YUV422 = {
    "uyvy": cv2.COLOR_YUV2RGB_UYVY,
    "yuv422": cv2.COLOR_YUV2RGB_UYVY,
    "yuyv": cv2.COLOR_YUV2RGB_YUY2,
    "yuv422_yuy2": cv2.COLOR_YUV2RGB_YUY2,
}
BAYER = {"bayer_rggb8": 1, "bayer_bggr8": 1, "bayer_gbrg8": 1, "bayer_grbg8": 1}
# a plane of luminance above one of interleaved chrominance with half as many rows
PLANAR = {"nv12": cv2.COLOR_YUV2RGB_NV12, "nv21": cv2.COLOR_YUV2RGB_NV21}
EIGHT_BITS = PLAIN | dict.fromkeys(YUV422, 2) | BAYER
SIXTEEN_BITS = {
    f"{name[:-1]}16": name for name in (PLAIN | BAYER)
}  # read as the 8-bit one of their high bits
ENCODINGS = (*EIGHT_BITS, *SIXTEEN_BITS, *PLANAR)

MAX_MEGAPIXELS = 64.0


class UnsupportedEncodingError(FrameError):
    """An image came in an encoding that this package does not read."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """An 8-bit image without the padding at the end of its rows."""

    height: int
    width: int
    encoding: str
    rows: NDArray[np.uint8]  # (height, width * bytes a pixel), or 1.5 times as many rows for planar ones


def image_to_rgb(image: Image | CompressedImage, max_megapixels: float = MAX_MEGAPIXELS) -> Frame:
    """The pixels of a message, (H, W, 3) RGB; for rgb8, rgba8 and mono8 a view of the message's own memory.

    Raises FrameError for sizes that contradict each other or exceed max_megapixels; nothing is allocated.
    """
    if isinstance(image, CompressedImage):
        return _decompressed(image, max_megapixels)
    if image.encoding not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise UnsupportedEncodingError(
            f"image encoding {image.encoding[:40]!r} is not supported; known: {known}"
        )
    check_area(image.width, image.height, max_megapixels)
    if image.encoding in PLANAR:
        return _planar(image)
    if image.encoding in YUV422:
        return _packed(image)
    pixels = _narrowed(image) if image.encoding in SIXTEEN_BITS else _eight_bits(image)
    return _plain(pixels) if pixels.encoding in PLAIN else _bridged(pixels)


def check_area(width: int, height: int, max_megapixels: float) -> None:
    if width < 1 or height < 1:
        raise FrameError(f"an image of {width} x {height} pixels has no pixels")
    if width * height > max_megapixels * 1e6:
        raise FrameError(
            f"an image of {width} x {height} pixels is larger than max_megapixels ({max_megapixels:g})"
        )


def _eight_bits(image: Image) -> Pixels:
    rows = _rows(image, image.width * EIGHT_BITS[image.encoding], image.height)
    return Pixels(image.height, image.width, image.encoding, rows)


def _narrowed(image: Image) -> Pixels:
    """A 16-bit image scaled to 8 bits; here, as bridges differ in how they round."""
    encoding = SIXTEEN_BITS[image.encoding]
    rows = np.ascontiguousarray(_rows(image, image.width * EIGHT_BITS[encoding] * 2, image.height))
    samples = rows.view(">u2" if image.is_bigendian else "<u2").astype(np.uint32)
    return Pixels(image.height, image.width, encoding, ((samples * 255 + 32767) // 65535).astype(np.uint8))


def _planar(image: Image) -> Frame:
    if image.width % 2 or image.height % 2:
        raise FrameError(f"{image.encoding} images have even sides, not {image.width} x {image.height}")
    rows = _rows(image, image.width, image.height * 3 // 2)
    return cv2.cvtColor(np.ascontiguousarray(rows), PLANAR[image.encoding])  # type: ignore[return-value]


def _packed(image: Image) -> Frame:
    if image.width % 2:
        raise FrameError(f"{image.encoding} images have an even width, not {image.width}")
    pixels = np.ascontiguousarray(_eight_bits(image).rows).reshape(image.height, image.width, 2)
    return cv2.cvtColor(pixels, YUV422[image.encoding])  # type: ignore[return-value]


def _rows(image: Image, used: int, count: int) -> NDArray[np.uint8]:
    """The first `used` bytes of each of the `count` rows of the message, as a view (count, used)."""
    if image.step < used or len(image.data) < image.step * count:
        raise FrameError(
            f"a {image.width} x {image.height} {image.encoding} image has {count} rows of {used}+ bytes; "
            f"this message says {image.step} bytes a row and holds {len(image.data)} bytes in all"
        )
    data = np.frombuffer(image.data, np.uint8, count=image.step * count)
    return data.reshape(count, image.step)[:, :used]


def _plain(image: Pixels) -> Frame:
    depth = PLAIN[image.encoding]
    shape, strides = (image.height, image.width, depth), (image.rows.strides[0], depth, 1)
    pixels = np.lib.stride_tricks.as_strided(image.rows, shape, strides, writeable=False)
    if depth == 1:
        return np.broadcast_to(pixels, (image.height, image.width, 3))
    if image.encoding.startswith("rgb"):
        return pixels[..., :3]
    # a view with a negative stride would be no copy, but PyTorch refuses it and NumPy's copy of it is slow
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if depth == 3 else cv2.COLOR_BGRA2RGB)  # type: ignore[return-value]


def _bridged(image: Pixels) -> Frame:
    step, data = image.rows.shape[1], byte_array(image.rows)
    message = Image(height=image.height, width=image.width, encoding=image.encoding, step=step, data=data)
    frame: Frame = BRIDGE(message, "rgb8")
    return frame


def _decompressed(image: CompressedImage, max_megapixels: float) -> Frame:
    check_area(*compressed_size(image), max_megapixels)
    data = np.frombuffer(image.data, np.uint8)
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if bgr is None:
        raise FrameError(f"a compressed image of format {image.format[:40]!r} cannot be decoded")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def _bridge() -> Callable[[Image, str], Any]:
    """cv_bridge, or rosbags-image where that is not installed or was built for another NumPy."""
    try:
        from cv_bridge import CvBridge
        from cv_bridge.boost import cv_bridge_boost  # noqa: F401  CvBridge imports it only when it converts
    except (ImportError, AttributeError):
        return _bridge_of_rosbags()
    convert: Callable[[Image, str], Any] = CvBridge().imgmsg_to_cv2
    return convert


def _bridge_of_rosbags() -> Callable[[Image, str], Any]:
    """Only Bayer patterns need a bridge, so without any the other encodings are read all the same."""
    try:
        from rosbags.image import image_to_cvimage
    except ImportError:
        return _no_bridge
    return image_to_cvimage


def _no_bridge(image: Image, _wanted: str) -> NoReturn:
    raise UnsupportedEncodingError(
        f"{image.encoding} images need cv_bridge, built for the NumPy that is installed, or rosbags-image: "
        "pip install rosbags-image"
    )


BRIDGE = _bridge()
