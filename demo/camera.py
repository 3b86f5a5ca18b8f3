"""The demo's camera: shows the first frame until tracking starts, then the clip at its rate.

A robot's camera waits for nobody; this one does where the machine is far too slow to show anything.
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import rclpy
from numpy.typing import NDArray
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from s2iammask.msg import TrackedObjectArray, TrackEvent
from s2iammask_core.clip import shots
from s2iammask_core.files.clips import open_clip
from s2iammask_ros.messages.stamps import nanoseconds
from s2iammask_ros.outputs.conversions import rgb_to_image

PREVIEW_PERIOD = 0.3  # seconds
AHEAD = 2  # images that may be unanswered before a slow machine is waited for
PATIENCE = 10.0  # seconds
LAST_WORDS = 1.0  # seconds in which the last image can still be delivered


class CameraNode(Node):
    """Publishes images; knows when tracking has started."""

    def __init__(self) -> None:
        super().__init__("camera")
        self._publisher = self.create_publisher(Image, "/camera/image_raw", 1)
        latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.create_subscription(TrackEvent, "/tracker/events", self._on_event, latched)
        self.create_subscription(TrackedObjectArray, "/tracker/tracks", self._on_tracks, 10)
        self.started = False
        self.answered = 0  # stamp of the last image that was tracked

    def publish(self, frame: NDArray, frame_id: str) -> int:
        """Returns the stamp, nanoseconds."""
        stamp = self.get_clock().now().to_msg()
        self._publisher.publish(rgb_to_image(frame, Header(stamp=stamp, frame_id=frame_id)))
        return nanoseconds(stamp)

    def wait(self, until: float, stamps: Sequence[int]) -> None:
        """Waits until a time, and on while more than AHEAD images are unanswered, up to PATIENCE."""
        while True:
            now = time.monotonic()
            behind = sum(stamp > self.answered for stamp in stamps[-AHEAD - 1 :])
            if now >= until and (behind <= AHEAD or now >= until + PATIENCE):
                return
            rclpy.spin_once(self, timeout_sec=max(until - now, 0.01))

    def _on_tracks(self, tracks: TrackedObjectArray) -> None:
        self.answered = nanoseconds(tracks.header.stamp)

    def _on_event(self, event: TrackEvent) -> None:
        self.started |= event.reason == TrackEvent.STARTED


def show(node: CameraNode, frames: Iterator[NDArray], rate: float) -> list[int]:
    """Publishes all frames; the stamps of those after the preview."""
    first = next(frames)
    while not node.started:
        node.publish(first, "preview")
        rclpy.spin_once(node, timeout_sec=PREVIEW_PERIOD)
    stamps: list[int] = []
    last = time.monotonic()
    try:
        for frame in itertools.chain([first], frames):
            node.wait(last + 1 / rate, stamps)
            last = time.monotonic()
            stamps.append(node.publish(frame, "camera"))
    except KeyboardInterrupt:  # a live camera ends this way
        pass
    return stamps


def go_on(node: CameraNode, frames: Iterator[NDArray], rate: float) -> None:
    """Publishes for ever at the rate, and waits for nobody."""
    due = time.monotonic()
    for frame in there_and_back(frames):
        if not rclpy.ok():
            return
        node.publish(frame, "camera")
        due = max(due + 1 / rate, time.monotonic())
        while time.monotonic() < due and rclpy.ok():
            rclpy.spin_once(node, timeout_sec=max(due - time.monotonic(), 0.001))


def there_and_back(frames: Iterable[NDArray]) -> Iterator[NDArray]:
    """For ever, without a jump; a live camera has no way back."""
    kept = []
    for frame in frames:
        kept.append(frame)
        yield frame
    yield from itertools.cycle([*kept[-2:0:-1], *kept])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", help="video, folder of frames or camera index; default: the composed clip")
    parser.add_argument("--loop", action="store_true", help="there and back for ever, waiting for nobody")
    parser.add_argument("--rate", type=float, required=True, help="images a second")
    parser.add_argument(
        "--stamps", type=Path, default=Path(os.devnull), help="file for the stamps of what was published"
    )
    args = parser.parse_args()
    frames = iter(open_clip(args.video)) if args.video else (shot.frame for shot in shots())
    rclpy.init()
    node = CameraNode()
    try:
        if args.loop:
            go_on(node, frames, args.rate)
            return 0
        stamps = show(node, frames, args.rate)
        partial = args.stamps.with_suffix(".partial")
        partial.write_text(json.dumps(stamps))
        partial.rename(args.stamps)
        time.sleep(LAST_WORDS)
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
