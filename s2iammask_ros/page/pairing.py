"""Each image with what was tracked in it, and the image alone where nobody answers."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from s2iammask.msg import TrackedObject, TrackedObjectArray
from s2iammask_core import MaskRegion, TrackState, mask_from_runs
from s2iammask_core.page.pictures import Picture, Seen
from s2iammask_ros.images.compressed import JPEG, compressed_size
from s2iammask_ros.images.encodings import image_to_rgb
from s2iammask_ros.messages.boxes import rotated_from_message
from s2iammask_ros.messages.stamps import SECOND, nanoseconds

MOST_IMAGES = 16  # that wait for their tracks
MOST_BYTES = 64_000_000  # of them
PATIENCE = 3.0  # seconds without tracks after which images are shown alone
STATES = {
    TrackedObject.TRACKING: TrackState.TRACKING,
    TrackedObject.UNCERTAIN: TrackState.UNCERTAIN,
    TrackedObject.LOST: TrackState.LOST,
}
NO_PIXELS = np.zeros((0, 0), np.bool_)


class Pairing:
    """Takes a camera's images and tracks, in any order; memory is bounded."""

    def __init__(self, show: Callable[[Picture], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.show, self._clock = show, clock
        self._images: OrderedDict[int, Image | CompressedImage] = OrderedDict()
        self._early: TrackedObjectArray | None = None  # tracks whose image has not come yet
        self.answered = -math.inf  # when the last tracks came
        self.came = clock()  # when the last image came

    def add_image(self, image: Image | CompressedImage) -> None:
        stamp, self.came = nanoseconds(image.header.stamp), self._clock()
        if self._early is not None and nanoseconds(self._early.header.stamp) == stamp:
            self.show(picture(image, self._early))
            self._early = None
        elif self._clock() - self.answered > PATIENCE:
            self.show(picture(image, None))
            self._keep(stamp, image)
        else:
            self._keep(stamp, image)

    def add_tracks(self, tracks: TrackedObjectArray) -> None:
        stamp, self.answered = nanoseconds(tracks.header.stamp), self._clock()
        image = self._images.get(stamp)
        if image is None:
            self._early = tracks
            return
        for older in [each for each in self._images if each <= stamp]:
            del self._images[older]
        self.show(picture(image, tracks))

    def _keep(self, stamp: int, image: Image | CompressedImage) -> None:
        if self._images and stamp < next(reversed(self._images)):
            self._images.clear()  # time has jumped back
        self._images[stamp] = image
        while len(self._images) > 1 and self._is_full():
            self._images.popitem(last=False)

    def _is_full(self) -> bool:
        size = sum(len(image.data) for image in self._images.values())
        return len(self._images) > MOST_IMAGES or size > MOST_BYTES


def picture(image: Image | CompressedImage, tracks: TrackedObjectArray | None) -> Picture:
    """FrameError if the image says no size."""
    stamp = nanoseconds(image.header.stamp)
    seen = [] if tracks is None else [seen_of(each, stamp) for each in tracks.objects]
    jpeg = None
    if isinstance(image, CompressedImage):
        width, height = compressed_size(image)
        jpeg = bytes(image.data) if bytes(image.data[: len(JPEG)]) == JPEG else None
    else:
        width, height = image.width, image.height
    return Picture(stamp, (height, width), seen, lambda: image_to_rgb(image), jpeg)


def seen_of(found: TrackedObject, stamp: int) -> Seen:
    age = max(stamp - nanoseconds(found.state_since), 0) / SECOND
    box, state = rotated_from_message(found.box), STATES.get(found.state, TrackState.LOST)
    return Seen(found.id, found.label, state, age, _finite(found.confidence), box, mask_of(found))


def mask_of(found: TrackedObject) -> MaskRegion:
    region = found.region
    pixels = NO_PIXELS
    if found.mask_runs:
        pixels = mask_from_runs(found.mask_runs, region.height, region.width)
    elif len(found.mask.data) == region.height * region.width:
        pixels = np.frombuffer(found.mask.data, np.uint8).reshape(region.height, region.width) > 0
    return MaskRegion(int(region.x_offset), int(region.y_offset), pixels, pixels.astype(np.float32))


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0
