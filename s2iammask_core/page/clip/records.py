"""What is kept of each frame of a result: a track with its mask in a few kilobytes."""

import zlib
from dataclasses import dataclass, replace

import numpy as np

from s2iammask_core.tracking.regions import NO_MASK
from s2iammask_core.tracking.track import MaskRegion, Track


@dataclass(frozen=True, slots=True)
class PackedMask:
    """A mask region in bits, and its probabilities in steps of 1/255, compressed."""

    x: int
    y: int
    shape: tuple[int, int]
    pixels: bytes
    probability: bytes

    @classmethod
    def of(cls, mask: MaskRegion) -> "PackedMask":
        levels = (mask.probability * 255).round().astype(np.uint8)
        height, width = mask.pixels.shape
        bits = np.packbits(mask.pixels)
        return cls(mask.x, mask.y, (height, width), _squeezed(bits), _squeezed(levels))

    @property
    def mask(self) -> MaskRegion:
        size = self.shape[0] * self.shape[1]
        bits = np.frombuffer(zlib.decompress(self.pixels), np.uint8)
        levels = np.frombuffer(zlib.decompress(self.probability), np.uint8)
        pixels = np.unpackbits(bits, count=size).astype(np.bool_).reshape(self.shape)
        probability = levels.reshape(self.shape).astype(np.float32) / np.float32(255)
        return MaskRegion(self.x, self.y, pixels, probability)


@dataclass(frozen=True, slots=True)
class Found:
    """A track of one frame."""

    track: Track  # without its mask
    packed: PackedMask

    @classmethod
    def of(cls, track: Track) -> "Found":
        return cls(replace(track, mask=NO_MASK), PackedMask.of(track.mask))

    @property
    def whole(self) -> Track:
        return replace(self.track, mask=self.packed.mask)


def _squeezed(array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    return zlib.compress(array.tobytes(), 1)
