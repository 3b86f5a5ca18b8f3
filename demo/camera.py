"""The demo's camera: shows the first frame until tracking starts, then the clip at its rate.

As that of a robot it waits for nobody: an image for which the tracker has no time is dropped there.
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import rclpy
from numpy.typing import NDArray
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from demo.clock import with_clock
from s2iammask.msg import TrackEvent
from s2iammask_core.clip import FRAMES, shots
from s2iammask_core.files.clips import open_clip
from s2iammask_ros.messages.stamps import nanoseconds
from s2iammask_ros.outputs.conversions import rgb_to_image

AHEAD = 30  # frames of a clip that are read before they are due
LAST_WORDS = 1.0  # seconds in which the last image can still be delivered


class CameraNode(Node):
    """Publishes images; knows when tracking has started."""

    def __init__(self, drawn: Callable[[NDArray, int], NDArray] = lambda frame, _stamp: frame) -> None:
        """drawn: a frame with what its stamp, nanoseconds, adds to it."""
        super().__init__("camera")
        self._drawn = drawn
        self._publisher = self.create_publisher(Image, "/camera/image_raw", 1)
        latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.create_subscription(TrackEvent, "/tracker/events", self._on_event, latched)
        self.started = False

    def publish(self, frame: NDArray, frame_id: str) -> int:
        """Returns the stamp, nanoseconds."""
        stamp = self.get_clock().now().to_msg()
        frame = self._drawn(frame, nanoseconds(stamp))
        self._publisher.publish(rgb_to_image(frame, Header(stamp=stamp, frame_id=frame_id)))
        return nanoseconds(stamp)

    def wait(self, until: float) -> None:
        """Until a time of the monotonic clock."""
        while (left := until - time.monotonic()) > 0 and rclpy.ok():
            rclpy.spin_once(self, timeout_sec=left)

    def _on_event(self, event: TrackEvent) -> None:
        self.started |= event.reason == TrackEvent.STARTED


def show(node: CameraNode, frames: Iterator[NDArray], rate: float) -> list[int]:
    """Publishes all frames; the stamps of those after the preview."""
    first = next(frames)
    while not node.started:
        node.publish(first, "preview")
        node.wait(time.monotonic() + 1 / rate)
    stamps: list[int] = []
    with suppress(KeyboardInterrupt):  # a live camera ends this way
        for stamp in published(node, itertools.chain([first], frames), rate):
            stamps.append(stamp)  # noqa: PERF402 (what came before the interrupt counts)
    return stamps


def published(node: CameraNode, frames: Iterable[NDArray], rate: float) -> Iterator[int]:
    """The stamps of frames as they are published, each when it is due, whatever became of those before.

    After a delay longer than a period the schedule begins anew: no camera hurries to catch up.
    """
    due = time.monotonic()
    for frame in frames:
        node.wait(due)
        if not rclpy.ok():
            return
        yield node.publish(frame, "camera")
        due = max(due + 1 / rate, time.monotonic() - 1 / rate)


def drawn_ahead(frames: Iterable[NDArray], most: int) -> Iterator[NDArray]:
    """The frames, up to so many of which are made in a thread before they are asked for."""
    source = iter(frames)
    pool = ThreadPoolExecutor(1)
    try:
        waiting = deque(pool.submit(next, source, None) for _ in range(most))
        while (frame := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(next, source, None))
            yield frame
    finally:
        pool.shutdown(cancel_futures=True)


def source(video: str | None) -> Iterator[NDArray]:
    """The composed clip without a video; a live camera is read when its image is due."""
    if not video:
        return drawn_ahead((shot.frame for shot in shots()), FRAMES)
    clip = open_clip(video)
    return iter(clip) if clip.endless else drawn_ahead(clip, AHEAD)


def there_and_back(frames: Iterable[NDArray]) -> Iterator[NDArray]:
    """For ever, without a jump; a live camera has no way back."""
    kept = []
    for frame in frames:
        kept.append(frame)
        yield frame
    yield from itertools.cycle([*kept[-2:0:-1], *kept])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", help="video, folder of frames or camera index; default: the composed clip")
    parser.add_argument("--loop", action="store_true", help="there and back for ever")
    parser.add_argument("--clock", action="store_true", help="draw the time into each image")
    parser.add_argument("--rate", type=float, required=True, help="images a second")
    parser.add_argument(
        "--stamps", type=Path, default=Path(os.devnull), help="file for the stamps of what was published"
    )
    return parser.parse_args()


def main() -> int:
    args = arguments()
    frames = source(args.video)
    rclpy.init()
    node = CameraNode(with_clock) if args.clock else CameraNode()
    try:
        if args.loop:
            deque(published(node, there_and_back(frames), args.rate), maxlen=0)
            return 0
        stamps = show(node, frames, args.rate)
        partial = args.stamps.with_suffix(".partial")
        partial.write_text(json.dumps(stamps))
        partial.rename(args.stamps)
        time.sleep(LAST_WORDS)
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except RuntimeError:  # rclpy's, of an image that is published while the process is asked to end
        if rclpy.ok():
            raise
        return 0
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
