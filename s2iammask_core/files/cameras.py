"""Cameras by number or device: they have no last frame."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import cv2
import numpy as np

from s2iammask_core.errors import IncompleteError, VideoError
from s2iammask_core.files.reading import USUAL_RATE, Head, Numbered

DEVICES = "/dev/video"
MOST_DIGITS = 4  # of the number of a camera


def is_camera(source: str) -> bool:
    """Whether a source that is no file names a camera: 0, /dev/video0."""
    return _is_number(source) or source.startswith(DEVICES)


def _is_number(source: str) -> bool:
    return source.isdecimal() and len(source) <= MOST_DIGITS


def camera_head(source: str) -> Head:
    with _opened(source) as capture:
        rate = capture.get(cv2.CAP_PROP_FPS)
        return Head(rate if np.isfinite(rate) and 0 < rate <= 1000 else USUAL_RATE, None)


def camera_frames(source: str, limit: int | None = None) -> Iterator[Numbered]:
    """So many frames, or without a limit until somebody stops; an error if the camera gives no more."""
    with _opened(source) as capture:
        for number in count() if limit is None else range(limit):
            good, picture = capture.read()
            if not good:
                kind = IncompleteError if number else VideoError
                raise kind(f"camera {source} gave {number} frames and then no more; is it still there?")
            yield Numbered(number, np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8))


@contextmanager
def _opened(source: str) -> Iterator[cv2.VideoCapture]:
    capture = cv2.VideoCapture(int(source) if _is_number(source) else source)
    try:
        if not capture.isOpened():
            raise VideoError(f"cannot open camera {source}; is it plugged in, and may you read {DEVICES}*?")
        yield capture
    finally:
        capture.release()
