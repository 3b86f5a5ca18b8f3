"""Depth images and camera parameters, kept until the image that they belong to is worked on."""

from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image

from s2iammask_core.errors import FrameError
from s2iammask_ros.images.depth import Intrinsics, View
from s2iammask_ros.images.encodings import check_area
from s2iammask_ros.images.history import History, Stamped
from s2iammask_ros.messages.stamps import SECOND, nanoseconds

TYPES = {"16UC1": ("u2", 0.001), "mono16": ("u2", 0.001), "32FC1": ("f4", 1.0)}  # and metres a unit (REP 118)
KEPT = 2.0  # seconds
KEPT_MEGABYTES = 256.0


@dataclass(frozen=True, slots=True)
class DepthCounts:
    """What has come since activation."""

    depths: int = 0
    camera_infos: int = 0
    calibrated: bool = False  # whether the last camera info has a focal length
    depths_missed: int = 0  # images in a row to which no depth image fits in time


class DepthStream:
    """Filled on one thread, asked on another."""

    def __init__(self, tolerance: float, max_megapixels: float) -> None:
        """tolerance: largest difference of the stamps of an image and of its depth, seconds."""
        self.counts = DepthCounts()
        self._tolerance, self._max_megapixels = int(tolerance * SECOND), max_megapixels
        self._depths: History[Image] = History(KEPT, KEPT_MEGABYTES)
        self._intrinsics: Intrinsics | None = None
        self._lock = Lock()

    def add_depth(self, image: Image) -> None:
        self._depths.add(Stamped(nanoseconds(image.header.stamp), image))
        self._count(depths=self.counts.depths + 1)

    def set_camera(self, info: CameraInfo) -> None:
        """Takes over the parameters of the rectified image, or of the raw one where there is none."""
        fx, fy, cx, cy = (info.p[0], info.p[5], info.p[2], info.p[6]) if info.p[0] > 0 else _raw(info)
        usable = bool(np.isfinite([fx, fy, cx, cy]).all()) and fx > 0 and fy > 0
        with self._lock:
            self._intrinsics = Intrinsics(fx, fy, cx, cy) if usable else None
        self._count(camera_infos=self.counts.camera_infos + 1, calibrated=usable)

    def view(self, stamp: int, size: tuple[int, int]) -> View | None:
        """What is known about an image of that size (H, W); FrameError if its depth cannot be read."""
        with self._lock:
            intrinsics = self._intrinsics
        if intrinsics is None:
            return None
        near = self._depths.between(stamp - self._tolerance - 1, stamp + self._tolerance)
        closest = min(near, key=lambda each: abs(each.stamp - stamp), default=None)
        self._count(depths_missed=self.counts.depths_missed + 1 if closest is None else 0)
        depth = None if closest is None else depth_in_metres(closest.message, self._max_megapixels)
        if depth is not None and depth.shape != size:
            raise FrameError(f"the depth image is {depth.shape}, the image {size}; register one to the other")
        return View(intrinsics, depth)

    def _count(self, **values: Any) -> None:
        with self._lock:
            self.counts = replace(self.counts, **values)


def _raw(info: CameraInfo) -> tuple[float, float, float, float]:
    return info.k[0], info.k[4], info.k[2], info.k[5]


def depth_in_metres(image: Image, max_megapixels: float) -> NDArray[np.float32]:
    """(H, W), NaN where the camera did not measure."""
    if image.encoding not in TYPES:
        raise FrameError(
            f"depth encoding {image.encoding[:40]!r} is not supported; known: {', '.join(TYPES)}"
        )
    check_area(image.width, image.height, max_megapixels)
    name, unit = TYPES[image.encoding]
    kind = np.dtype(name).newbyteorder(">" if image.is_bigendian else "<")
    used = image.width * kind.itemsize
    if image.step < used or len(image.data) < image.step * image.height:
        raise FrameError(f"the depth image holds {len(image.data)} bytes, too few for its size")
    data = np.frombuffer(image.data, np.uint8, count=image.step * image.height)
    values = np.ascontiguousarray(data.reshape(image.height, image.step)[:, :used]).view(kind)
    metres = values.astype(np.float32) * np.float32(unit)
    metres[~(metres > 0)] = np.nan
    return metres
