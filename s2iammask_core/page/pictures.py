"""A camera's picture with what was tracked in it, as one message, so that the two never disagree."""

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import cv2
import numpy as np

from s2iammask_core.boxes import RotatedBox
from s2iammask_core.errors import VideoError
from s2iammask_core.geometry import HostFrame
from s2iammask_core.tracking.track import MaskRegion, TrackState

QUALITY = 80  # of JPEG
STEP = 320  # pixels; widths that viewers wish for are rounded up to it, so that few sizes are made


@dataclass(frozen=True, slots=True)
class Seen:
    """What was tracked in a picture, under the names that people know."""

    id: str
    label: str
    state: TrackState
    age: float  # seconds in this state
    confidence: float
    box: RotatedBox
    mask: MaskRegion

    def record(self) -> dict[str, object]:
        box = self.box
        figures = (box.cx, box.cy, box.width, box.height, box.theta)
        return {
            "id": self.id,
            "label": self.label,
            "state": self.state.value,
            "age": round(self.age, 3),
            "confidence": round(float(self.confidence), 4),
            "box": [round(float(figure), 4) for figure in figures],
            "outlines": outlines(self.mask) if self.state is not TrackState.LOST else [],
        }


def outlines(mask: MaskRegion) -> list[list[int]]:
    """Closed outlines of all parts and holes, x and y in turn: pixels of the frame on the mask's edge."""
    if not mask.pixels.any():
        return []
    pixels = np.ascontiguousarray(mask.pixels).view(np.uint8)
    found = cv2.findContours(pixels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE, offset=(mask.x, mask.y))[-2]
    return [list(map(int, outline.ravel())) for outline in found]


class Picture:
    """A picture that is turned into JPEG when somebody looks, once for each width. Any thread may ask."""

    def __init__(
        self,
        stamp: int,
        size: tuple[int, int],
        seen: Sequence[Seen],
        frame: Callable[[], HostFrame] | None = None,
        jpeg: bytes | None = None,
    ) -> None:
        """size: (H, W) of the frame. One of the two is given; a JPEG that is at hand need not be made."""
        self.stamp, self.size, self.seen = stamp, size, tuple(seen)
        self._frame, self._whole = frame, jpeg
        self._made: dict[int, bytes] = {}
        self._lock = Lock()

    def message(self, camera: str, number: int, width: int) -> bytes:
        """The length of a JSON text (uint32, little endian), the text, the JPEG."""
        with self._lock:
            target = self._width(width)
            if target not in self._made:
                text = self._text(camera, number).encode()
                self._made[target] = struct.pack("<I", len(text)) + text + self._jpeg(target)
            return self._made[target]

    def _text(self, camera: str, number: int) -> str:
        place = {"type": "picture", "camera": camera, "number": number, "stamp": str(self.stamp)}
        size = {"height": self.size[0], "width": self.size[1]}
        return json.dumps({**place, **size, "objects": [each.record() for each in self.seen]})

    def _width(self, wished: int) -> int:
        whole = self.size[1]
        if self._whole is not None and wished >= whole / 2:
            return whole  # sending more is cheaper than decoding, scaling and encoding
        return min(-(-wished // STEP) * STEP, whole)

    def _jpeg(self, width: int) -> bytes:
        if width == self.size[1] and self._whole is not None:
            return self._whole
        return jpeg_of(self.frame(), width)

    def frame(self) -> HostFrame:
        """Its pixels, (H, W, 3) RGB; S2iamMaskError if they cannot be read."""
        if self._frame is not None:
            return self._frame()
        picture = cv2.imdecode(np.frombuffer(self._whole or b"", np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            raise VideoError("a picture of the camera is no JPEG that can be read")
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def jpeg_of(frame: HostFrame, width: int) -> bytes:
    """A frame (H, W, 3) RGB as JPEG, made smaller if it is wider than that."""
    if width < frame.shape[1]:
        height = max(round(frame.shape[0] * width / frame.shape[1]), 1)
        # to more than half no pixel is left out by neighbours alone, and areas would take four times as long
        way = cv2.INTER_LINEAR if 2 * width > frame.shape[1] else cv2.INTER_AREA
        frame = np.asarray(cv2.resize(frame, (width, height), interpolation=way), np.uint8)
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    good, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not good:
        raise VideoError(f"a picture of {frame.shape[1]}x{frame.shape[0]} pixels cannot be turned into JPEG")
    return data.tobytes()
