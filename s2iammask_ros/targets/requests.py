"""Requests of clients to candidates for tracking; what is wrong with one is said, not guessed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from s2iammask.srv import StartTracking
from s2iammask_core.errors import TargetError
from s2iammask_core.tracking.start import StartTarget
from s2iammask_ros.images.encodings import check_area
from s2iammask_ros.messages.boxes import rotated_from_message
from s2iammask_ros.targets.records import Candidate

MOST_BOXES = 1024
LABEL_TYPES = {"mono8": "u1", "mono16": "u2"}


def candidates(request: StartTracking.Request, max_targets: int, max_megapixels: float) -> list[Candidate]:
    """The objects of a request; TargetError or FrameError if the request as a whole cannot be understood."""
    masked = bool(request.mask.height or request.mask.width)
    if masked == bool(request.boxes):
        raise TargetError("give boxes or a mask, one of the two")
    count = len(request.boxes)
    if count > MOST_BOXES:
        raise TargetError(f"{count} boxes are more than {MOST_BOXES} in one request")
    targets: list[StartTarget] = (
        list(label_masks(request.mask, max_targets, max_megapixels))
        if masked
        else [rotated_from_message(box) for box in request.boxes]
    )
    ids = _one_each("ids", request.ids, len(targets))
    labels = _one_each("labels", request.labels, len(targets))
    return [Candidate(*each) for each in zip(targets, ids, labels, strict=True)]


def label_masks(image: Image, most: int, max_megapixels: float) -> list[NDArray[np.bool_]]:
    """The masks (H, W) of the values 1, 2, ... of a label image."""
    labels = label_values(image, max_megapixels)
    largest = int(labels.max())
    if largest == 0:
        raise TargetError("the mask is empty; mark the k-th object with the value k")
    if largest > most:
        raise TargetError(f"the mask has values up to {largest}, more than max_targets ({most})")
    return [labels == value for value in range(1, largest + 1)]


def label_values(image: Image, max_megapixels: float) -> NDArray[np.uint16]:
    """(H, W) values of a mono8 or mono16 image."""
    if image.encoding not in LABEL_TYPES:
        raise TargetError(f"a mask is a mono8 or mono16 image, not {image.encoding[:40]!r}")
    check_area(image.width, image.height, max_megapixels)
    kind = np.dtype(LABEL_TYPES[image.encoding]).newbyteorder(">" if image.is_bigendian else "<")
    used = image.width * kind.itemsize
    if image.step < used or len(image.data) < image.step * image.height:
        raise TargetError(
            f"the mask holds {len(image.data)} bytes in rows of {image.step}, too few for its size"
        )
    data = np.frombuffer(image.data, np.uint8, count=image.step * image.height)
    rows = data.reshape(image.height, image.step)[:, :used]
    return np.ascontiguousarray(rows).view(kind).astype(np.uint16)


def _one_each(what: str, values: Sequence[str], count: int) -> list[str]:
    if values and len(values) != count:
        raise TargetError(f"{count} targets but {len(values)} {what}; give one for each, or none")
    return list(values) or [""] * count
