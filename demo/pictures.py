"""The pictures of the README: what RViz and Foxglove show of a running node.

    python demo/pictures.py        writes docs/rviz.jpg and docs/foxglove.jpg

Neither program is needed: the node tracks the demo's clip over ROS 2, and its messages are drawn in the
layouts of config/tracker.rviz and config/foxglove_layout.json.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from demo.layouts import Panel, foxglove_panels, rviz_panels
from demo.panels import window
from demo.run import ROOT, end, environment, module
from s2iammask.srv import StartTracking
from s2iammask_core import RotatedBox
from s2iammask_core.clip import first_box, shots
from s2iammask_core.runtime import weights_file
from s2iammask_ros.messages.boxes import rotated_to_message
from s2iammask_ros.messages.stamps import nanoseconds
from s2iammask_ros.outputs.conversions import rgb_to_image
from s2iammask_ros.outputs.topics import TOPICS

CAMERA = "/camera/image_raw"
FRAME = "camera_optical_frame"
TYPES = {f"/tracker/{topic.name}": topic.kind for topic in TOPICS}
TYPES |= {"/diagnostics": DiagnosticArray, CAMERA: Image}
STEPS = 45  # images of the clip
PERIOD = 0.2  # seconds between two, at least
LARGEST = 150_000  # bytes of a picture
LONGEST_START, LONGEST_ANSWER = 180.0, 20.0  # seconds
FOOT = "drawn by demo/pictures.py from the node's messages in the layout of {}; not a screenshot"


class Show(Node):
    """Camera, client, and whoever looks at the panels."""

    def __init__(self, topics: set[str]) -> None:
        super().__init__("pictures")
        self.heard: dict[str, list[tuple[float, Any]]] = defaultdict(list)
        self._images = self.create_publisher(Image, CAMERA, 1)
        self._start = self.create_client(StartTracking, "/tracker/start_tracking")
        latched = {f"/tracker/{topic.name}" for topic in TOPICS if topic.latched}
        for topic in topics:
            durability = DurabilityPolicy.TRANSIENT_LOCAL if topic in latched else DurabilityPolicy.VOLATILE
            quality = QoSProfile(depth=20, durability=durability)
            self.create_subscription(TYPES[topic], topic, self._keeper(topic), quality)

    def start(self, frame: NDArray[Any]) -> None:
        """Shows the first image until its object is tracked; SystemExit if that never happens."""
        box, give_up = rotated_to_message(RotatedBox.from_box(first_box())), time.monotonic() + LONGEST_START
        while time.monotonic() < give_up:
            self.publish(frame)
            self._spin(0.5)
            if self._start.service_is_ready():
                call = self._start.call_async(StartTracking.Request(boxes=[box], ids=["cup"]))
                rclpy.spin_until_future_complete(self, call, timeout_sec=LONGEST_ANSWER)
                if call.done() and call.result().success:
                    return
        raise SystemExit("error: tracking did not start")

    def show(self, frame: NDArray[Any], topics: set[str]) -> None:
        """Publishes an image and waits until all topics with images and markers have answered."""
        stamp, give_up = self.publish(frame), time.monotonic() + LONGEST_ANSWER
        self._spin(PERIOD)
        while not all(self._answered(topic, stamp) for topic in topics) and time.monotonic() < give_up:
            self._spin(0.02)

    def publish(self, frame: NDArray[Any]) -> int:
        """Returns the stamp, nanoseconds."""
        stamp = self.get_clock().now().to_msg()
        self._images.publish(rgb_to_image(frame, Header(stamp=stamp, frame_id=FRAME)))
        return nanoseconds(stamp)

    def _answered(self, topic: str, stamp: int) -> bool:
        if not self.heard[topic]:
            return False
        latest = self.heard[topic][-1][1]
        header = latest.header if hasattr(latest, "header") else latest.markers[0].header
        return nanoseconds(header.stamp) >= stamp

    def _keeper(self, topic: str) -> Callable[[Any], None]:
        return lambda message: self.heard[topic].append((time.monotonic(), message))

    def _spin(self, seconds: float) -> None:
        finish = time.monotonic() + seconds
        while time.monotonic() < finish:
            rclpy.spin_once(self, timeout_sec=max(finish - time.monotonic(), 0.0))


def watch(panels: Sequence[Panel]) -> dict[str, list[tuple[float, Any]]]:
    """What all panels' topics brought while the clip was shown."""
    rclpy.init()
    show = Show(set().union(*(panel.topics for panel in panels)))
    framewise = set().union(*(panel.topics for panel in panels if panel.kind in ("image", "space")))
    frames = [shot.frame for shot, _ in zip(shots(), range(STEPS), strict=False)]
    try:
        show.start(frames[0])
        for frame in frames:
            show.show(frame, framewise)
    finally:
        show.destroy_node()
        rclpy.shutdown()
    return show.heard


def write(path: Path, picture: NDArray[Any]) -> None:
    """As a JPEG of the best quality that is small enough."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    for quality in range(92, 30, -4):
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(data) <= LARGEST:
            break
    path.write_bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=weights_file, default=weights_file())
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    args = parser.parse_args()
    if not args.weights.is_file():
        print(f"error: there are no weights at {args.weights}; give others with --weights", file=sys.stderr)
        return 2
    given = ("-r", f"image:={CAMERA}", "-p", f"weights:={args.weights.resolve()}", "-p", "max_age:=0.0")
    line = [*module("s2iammask_ros.tracker_node"), "--ros-args", "--log-level", "warn", *given]
    node = subprocess.Popen(line, env=environment(), cwd=ROOT, start_new_session=True)
    rviz, foxglove = rviz_panels(), foxglove_panels()
    try:
        heard = watch([*rviz, *foxglove])
    finally:
        end([node])
    write(args.out / "rviz.jpg", window(rviz, heard, FOOT.format("config/tracker.rviz")))
    write(args.out / "foxglove.jpg", window(foxglove, heard, FOOT.format("config/foxglove_layout.json")))
    print(json.dumps({topic: len(messages) for topic, messages in sorted(heard.items())}, indent=2))
    return 0


if __name__ == "__main__":
    os.environ.update({name: value for name, value in environment().items() if name not in os.environ})
    sys.exit(main())
