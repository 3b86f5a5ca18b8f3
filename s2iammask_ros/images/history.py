"""The images of the recent past, so that tracking can start where a box was drawn."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, Protocol, TypeVar

from s2iammask_core.errors import TargetError
from s2iammask_ros.messages.stamps import SECOND, seconds_text


class HasData(Protocol):
    """An image message: its bytes are what counts."""

    data: "bytes | memoryview"


Message = TypeVar("Message", bound=HasData)


@dataclass(frozen=True, slots=True)
class Stamped(Generic[Message]):
    """An image message and its stamp, nanoseconds."""

    stamp: int
    message: Message


class History(Generic[Message]):
    """A ring buffer of image messages, bounded in time and in memory; the newest is always kept.

    Safe to use from several threads. Only references are kept, so adding an image costs nothing.
    """

    def __init__(self, seconds: float, megabytes: float) -> None:
        self._span = int(seconds * SECOND)
        self._capacity = int(megabytes * 1e6)
        self._size = 0
        self._images: OrderedDict[int, Stamped[Message]] = OrderedDict()
        self._lock = Lock()

    def add(self, image: Stamped[Message]) -> bool:
        """Adds the newest image; True if time has jumped back, then everything else is forgotten."""
        with self._lock:
            jumped = bool(self._images) and image.stamp < next(reversed(self._images))
            if jumped:
                self._images.clear()
                self._size = 0
            self._forget(image.stamp)
            self._images[image.stamp] = image
            self._size += len(image.message.data)
            self._trim(image.stamp - self._span)
            return jumped

    def find(self, stamp: int, tolerance: int = 0) -> Stamped[Message]:
        """The image with that stamp, or the nearest one less than tolerance nanoseconds away.

        TargetError says what is covered.
        """
        with self._lock:
            stamps = list(self._images)
            nearest = min(stamps, key=lambda known: abs(known - stamp), default=None)
            if nearest is not None and (nearest == stamp or abs(nearest - stamp) < tolerance):
                return self._images[nearest]
        raise TargetError(_not_kept(f"no image with stamp {seconds_text(stamp)} is kept", stamps))

    def newest(self, until: int | None = None) -> Stamped[Message]:
        """The newest image, or the newest not later than a stamp; TargetError if there is none."""
        with self._lock:
            stamps = list(self._images)
            fitting = [stamp for stamp in stamps if until is None or stamp <= until]
            if fitting:
                return self._images[fitting[-1]]
        raise TargetError(_not_kept(f"no image as old as stamp {seconds_text(until or 0)} is kept", stamps))

    def between(self, after: int, until: int) -> list[Stamped[Message]]:
        """The images with stamps in (after, until], oldest first."""
        with self._lock:
            return [image for stamp, image in self._images.items() if after < stamp <= until]

    def forget_before(self, stamp: int) -> None:
        with self._lock:
            for known in [each for each in self._images if each < stamp]:
                self._forget(known)

    def _forget(self, stamp: int) -> None:
        known = self._images.pop(stamp, None)
        if known is not None:
            self._size -= len(known.message.data)

    def _trim(self, oldest: int) -> None:
        while len(self._images) > 1:
            stamp = next(iter(self._images))
            if stamp >= oldest and self._size <= self._capacity:
                break
            self._forget(stamp)


def thinned(images: Sequence[Stamped[Message]], most: int) -> list[Stamped[Message]]:
    """At most so many of the images, evenly spread, the last one among them."""
    count = len(images)
    if count <= most:
        return list(images)
    return [images[(number + 1) * count // most - 1] for number in range(most)]


def _not_kept(what: str, stamps: Sequence[int]) -> str:
    if not stamps:
        return "no image has come yet: is the image topic right and a camera publishing?"
    covered = f"{seconds_text(stamps[0])} to {seconds_text(stamps[-1])}"
    return f"{what}; those kept cover {covered} (see history_seconds, history_megabytes)"
