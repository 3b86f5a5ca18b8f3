"""A tracker behind the TraX protocol, which the official vot-toolkit speaks; needs vot-trax.

The toolkit starts this as a process, sends the path of each frame, and gets the regions of all objects back.
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import trax
from numpy.typing import NDArray
from trax import Image, Mask, Polygon, Region, TraxStatus

from s2iammask_core.boxes import Box, Points
from s2iammask_core.evaluation.protocols import Runnable
from s2iammask_core.evaluation.sequences.regions import to_region, to_target
from s2iammask_core.files.pictures import read_picture
from s2iammask_core.geometry import HostFrame
from s2iammask_core.tracking import track as tracks

Target = Box | Points | tracks.Mask
Status = list[tuple[Any, dict[str, Any]]]  # a TraX region and its properties, for each object


class Connection(Protocol):
    """What is needed of a TraX server."""

    def wait(self) -> Any: ...

    def status(self, objects: Status) -> object: ...


def connect(name: str) -> trax.Server:
    """A server on the standard streams, or on the socket that the toolkit names in the environment."""
    formats = [Region.RECTANGLE, Region.POLYGON, Region.MASK]
    return trax.Server(formats, [Image.PATH], tracker_name=name, multiobject=True)


def serve(tracker: Runnable, connection: Connection) -> None:
    """Answers requests until the toolkit has no more."""
    session = Session(tracker)
    while True:
        request = connection.wait()
        if request.type == TraxStatus.QUIT:
            return
        if request.type == TraxStatus.INITIALIZE:
            session = Session(tracker)
        frame = read_picture(Path(request.image["color"].path()))
        connection.status(session.step(frame, [region for region, _ in request.objects or ()]))


class Session:
    """One run of a sequence; objects that were given as masks are answered so, others with polygons."""

    def __init__(self, tracker: Runnable) -> None:
        tracker.stop()
        self._tracker = tracker
        self._as_masks: dict[int, bool] = {}

    def step(self, frame: HostFrame, regions: Sequence[Any]) -> Status:
        """Tracks what is known, then starts what is new, which is answered as it was given."""
        found = self._tracker.track(frame) if self._as_masks else []
        status: Status = [(self._region(track), {"confidence": track.confidence}) for track in found]
        if regions:
            targets = [_target(region, (frame.shape[0], frame.shape[1])) for region in regions]
            names = self._tracker.start(frame, targets)
            self._as_masks |= {
                name: region.type == Region.MASK for name, region in zip(names, regions, strict=True)
            }
        return status + [(region, {}) for region in regions]

    def _region(self, track: tracks.Track) -> Any:
        if not self._as_masks[track.id]:
            return Polygon.create([(float(x), float(y)) for x, y in to_region(track.rotated_box)])
        mask = track.mask
        if not mask.pixels.any():
            return Mask.create(np.zeros((1, 1), np.uint8))
        return Mask.create(np.ascontiguousarray(mask.pixels).view(np.uint8), x=mask.x, y=mask.y)


def _target(region: Any, size: tuple[int, int]) -> Target:
    """What a tracker is started with, in a frame of (height, width)."""
    if region.type == Region.MASK:
        return _full(region.array() > 0, region.offset(), size)
    if region.type == Region.RECTANGLE:
        return Box.from_xywh(*region.bounds())
    return to_target(np.array(list(region), np.float32))


def _full(part: NDArray[np.bool_], offset: tuple[int, int], size: tuple[int, int]) -> tracks.Mask:
    """A mask of the frame (height, width) from a part of it, which may reach out of the frame."""
    (x, y), (height, width) = offset, size
    full = np.zeros(size, np.bool_)
    inside = part[max(-y, 0) : height - y, max(-x, 0) : width - x]
    top, left = max(y, 0), max(x, 0)
    full[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return full


@dataclass(frozen=True, slots=True)
class Entry:
    """A tracker in the toolkit's list of trackers."""

    name: str  # letters, digits, _ and -
    label: str
    arguments: tuple[str, ...]  # of `s2iammask trax`

    def text(self) -> str:
        """A section of trackers.ini; the tracker runs with this very Python."""
        program = [sys.executable, "-m", "s2iammask_core.cli", "trax", *self.arguments]
        command = shlex.join(program).replace("%", "%%")  # configparser reads % as its own
        return f"[{self.name}]\nlabel = {self.label}\nprotocol = trax\ncommand = {command}\ntimeout = 120\n"
