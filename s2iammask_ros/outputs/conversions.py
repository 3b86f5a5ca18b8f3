"""Pictures, masks and tracks to messages: pure functions, no node and no state."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image, RegionOfInterest
from std_msgs.msg import Header
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    Point2D,
    VisionClass,
)

from s2iammask.msg import TrackedObject
from s2iammask_core import Track, TrackState, mask_runs
from s2iammask_core.overlay import draw_labels
from s2iammask_core.tracking.track import MaskRegion
from s2iammask_ros.messages.arrays import fill, fill_with_zeros
from s2iammask_ros.messages.boxes import rotated_to_message
from s2iammask_ros.messages.stamps import time_message
from s2iammask_ros.messages.states import STATES
from s2iammask_ros.targets.records import Tracked

JPEG_QUALITY = 85
STRAIGHTENED = 0.75  # pixels


def rgb_to_image(frame: NDArray[np.uint8], header: Header) -> Image:
    height, width = frame.shape[:2]
    message = Image(header=header, height=height, width=width, encoding="rgb8", step=3 * width)
    fill(message.data, frame)
    return message


def gray_to_image(pixels: NDArray[np.uint8], header: Header) -> Image:
    height, width = pixels.shape
    message = Image(header=header, height=height, width=width, encoding="mono8", step=width)
    fill(message.data, pixels)
    return message


def labels_to_image(tracks: Sequence[Track], size: tuple[int, int], header: Header) -> Image:
    """Their label image of that size (H, W), drawn where it is sent from, so copied nowhere."""
    height, width = size
    message = Image(header=header, height=height, width=width, encoding="mono8", step=width)
    draw_labels(fill_with_zeros(message.data, height, width), tracks)
    return message


def rgb_to_jpeg(frame: NDArray[np.uint8], header: Header) -> CompressedImage:
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    message = CompressedImage(header=header, format="rgb8; jpeg compressed bgr8")
    fill(message.data, data)
    return message


def tight(region: MaskRegion) -> MaskRegion:
    """The same mask in its smallest upright rectangle; (0, 0) pixels at (0, 0) if it is empty."""
    x, y, w, h = cv2.boundingRect(region.pixels.view(np.uint8)) if region.pixels.size else (0, 0, 0, 0)
    inside = np.s_[y : y + h, x : x + w]
    left, top = (region.x + x, region.y + y) if w else (0, 0)
    return MaskRegion(left, top, region.pixels[inside], region.probability[inside])


def contour(region: MaskRegion) -> NDArray[np.float64]:
    """(M, 2) corners of the outline of the mask's largest part, through pixel centres, in frame pixels.

    Straightened by less than a pixel: each corner costs more to send than to find.
    """
    if not region.pixels.any():
        return np.zeros((0, 2))
    found = cv2.findContours(region.pixels.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[-2]
    largest = max(found, key=cv2.contourArea)
    fewer = cv2.approxPolyDP(largest, STRAIGHTENED, closed=True)
    corners: NDArray[np.float64] = np.add(fewer[:, 0], [region.x + 0.5, region.y + 0.5])
    return corners


def points_to_messages(points: NDArray[np.float64] | NDArray[np.float32]) -> list[Point2D]:
    return [Point2D(x=float(x), y=float(y)) for x, y in points.tolist()]


def tracked_to_message(tracked: Tracked, header: Header) -> TrackedObject:
    """With its mask as an image."""
    mask = tight(tracked.track.mask)
    message = _without_mask(tracked, mask)
    message.mask = gray_to_image(mask.pixels * np.uint8(255), header)
    return message


def tracked_with_runs(tracked: Tracked, header: Header) -> TrackedObject:
    """With its mask as runs, and no image."""
    mask = tight(tracked.track.mask)
    message = _without_mask(tracked, mask)
    fill(message.mask_runs, mask_runs(mask.pixels))
    return message


OBJECTS = {"mono8": tracked_to_message, "rle": tracked_with_runs}  # by mask_encoding


def _without_mask(tracked: Tracked, mask: MaskRegion) -> TrackedObject:
    track = tracked.track
    height, width = mask.pixels.shape
    return TrackedObject(
        id=tracked.id,
        label=tracked.label,
        state=STATES[track.state],
        state_since=time_message(tracked.since),
        confidence=float(track.confidence),
        score=float(track.score),
        agreement=float(track.agreement),
        fit=float(track.fit),
        similarity=float(track.similarity),
        box=rotated_to_message(track.rotated_box),
        corners=points_to_messages(track.rotated_box.corners),
        region=RegionOfInterest(x_offset=mask.x, y_offset=mask.y, height=height, width=width),
        polygon=points_to_messages(contour(mask)),
    )


def hypothesis(tracked: Tracked) -> ObjectHypothesisWithPose:
    name = tracked.label or tracked.id
    return ObjectHypothesisWithPose(
        hypothesis=ObjectHypothesis(class_id=name, score=float(tracked.track.confidence))
    )


def detections_to_message(tracked: Sequence[Tracked], header: Header) -> Detection2DArray:
    """Those that are seen in this image; a lost object is no detection."""
    detections = [
        Detection2D(
            header=header,
            results=[hypothesis(each)],
            bbox=rotated_to_message(each.track.rotated_box),
            id=each.id,
        )
        for each in tracked
        if each.track.state is not TrackState.LOST
    ]
    return Detection2DArray(header=header, detections=detections)


def label_info(tracked: Sequence[Tracked], header: Header, threshold: float) -> LabelInfo:
    """What the values of the label image mean."""
    names = ["background", *(each.label or each.id for each in tracked)]
    classes = [VisionClass(class_id=value, class_name=name) for value, name in enumerate(names)]
    return LabelInfo(header=header, class_map=classes, threshold=float(threshold))
