"""The size of a compressed image from its head: a small file must not make the decoder allocate gigabytes."""

import struct

from sensor_msgs.msg import CompressedImage

from s2iammask_core.errors import FrameError

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
NOT_SIZES = {
    0xC4,
    0xC8,
    0xCC,
}  # Huffman table, reserved, arithmetic conditioning: among the frame headers, but none


def compressed_size(image: CompressedImage) -> tuple[int, int]:
    """(width, height) that the head of a JPEG or PNG names; FrameError for anything else."""
    data = memoryview(image.data)
    if data[: len(PNG)] == PNG and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[: len(JPEG)] == JPEG:
        return _jpeg_size(data)
    raise FrameError(f"a compressed image of format {image.format[:40]!r} is neither JPEG nor PNG")


def _jpeg_size(data: memoryview) -> tuple[int, int]:
    at = len(JPEG)
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in NOT_SIZES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise FrameError("a JPEG image ends before it says its size")
