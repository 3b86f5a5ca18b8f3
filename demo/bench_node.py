"""What the node costs on top of the tracker's step, at 1280 x 720 over real DDS: make bench-node.

Every image's way through the node is timed in the node itself: waiting for its turn, conversion, the
tracker's step, and publishing tracks and mask. The cost of the node is all of it but the step. An image is
shown when the last one is answered, so that none waits for the step of another one.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from statistics import median
from typing import Any

import cv2
import rclpy
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from demo.run import end, environment, module
from s2iammask.msg import Latency, TrackedObjectArray
from s2iammask.srv import StartTracking
from s2iammask_core import Box, RotatedBox
from s2iammask_core.clip import first_box, shots
from s2iammask_core.runtime import weights_file
from s2iammask_ros.messages.boxes import rotated_to_message
from s2iammask_ros.outputs.conversions import OBJECTS as MASK_ENCODINGS
from s2iammask_ros.outputs.conversions import rgb_to_image
from s2iammask_ros.settings import NodeConfig

SIZE = (1280, 720)  # width and height
TARGET_MS = 3.0
LONGEST_START, LONGEST_ANSWER = 180.0, 5.0  # seconds


class Bench(Node):
    """Camera, client and listener in one."""

    def __init__(self, rate: float) -> None:
        super().__init__("bench")
        self._images = self.create_publisher(Image, "/camera/image_raw", 1)
        self._start = self.create_client(StartTracking, "/tracker/start_tracking")
        self.create_subscription(TrackedObjectArray, "/tracker/tracks", self._on_tracks, 10)
        self.create_subscription(Image, "/tracker/mask", lambda _: None, 10)
        self.create_subscription(Latency, "/tracker/latency", self._on_latency, 10)
        self.latest: Latency | None = None
        self.started = False
        self.sizes: list[int] = []  # of the messages with tracks, bytes
        self._asked = -LONGEST_ANSWER  # when the image was shown that is not answered yet
        self._frames = scaled_frames()
        self.create_timer(1 / rate, self._publish)
        self.create_timer(1.0, self._ask)

    def _publish(self) -> None:
        now = time.monotonic()
        if now - self._asked < LONGEST_ANSWER:
            return
        self._asked = now
        stamp = self.get_clock().now().to_msg()
        self._images.publish(rgb_to_image(next(self._frames), Header(stamp=stamp)))

    def _ask(self) -> None:
        if not self.started and self._start.service_is_ready():
            request = StartTracking.Request(boxes=[rotated_to_message(RotatedBox.from_box(scaled_box()))])
            self._start.call_async(request).add_done_callback(self._on_answer)

    def _on_tracks(self, tracks: TrackedObjectArray) -> None:
        self._asked = -LONGEST_ANSWER
        if tracks.objects:
            self.sizes.append(len(serialize_message(tracks)))

    def _on_answer(self, call: Any) -> None:
        self.started |= call.result().success

    def _on_latency(self, latency: Latency) -> None:
        self.latest = latency


def scaled_frames() -> Iterator[NDArray[Any]]:
    """The first frames of the demo's clip there and back, so that the object never jumps."""
    frames = [cv2.resize(shot.frame, SIZE) for shot, _ in zip(shots(), range(30), strict=False)]
    return cycle([*frames, *frames[::-1]])


def scaled_box() -> Box:
    box, (height, width) = first_box(), next(shots()).mask.shape
    x, y = SIZE[0] / width, SIZE[1] / height
    return Box(box.x1 * x, box.y1 * y, box.x2 * x, box.y2 * y)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=5.0, help="most images a second (default %(default)g)")
    parser.add_argument("--mask-encoding", choices=MASK_ENCODINGS, default=NodeConfig().mask_encoding)
    parser.add_argument("--weights", type=weights_file, default=weights_file())
    args = parser.parse_args()
    if not args.weights.is_file():
        print(f"error: there are no weights at {args.weights}; give others with --weights", file=sys.stderr)
        return 2
    weights, encoding = f"weights:={args.weights.resolve()}", f"mask_encoding:={args.mask_encoding}"
    line = [
        *module("s2iammask_ros.tracker_node"),
        "--ros-args",
        "-r",
        "image:=/camera/image_raw",
        *("-p", weights, "-p", encoding, "-p", "max_age:=0.0"),
    ]
    node = subprocess.Popen(line, env=environment(), start_new_session=True)
    try:
        bench = measure(args.rate, args.seconds)
    finally:
        end([node])
    if bench.latest is None or not bench.started:
        print("error: tracking did not start", file=sys.stderr)
        return 1
    print(json.dumps(figures(bench.latest) | {"tracks_bytes_p50": median(bench.sizes)}, indent=2))
    return 0


def measure(rate: float, seconds: float) -> Bench:
    rclpy.init()
    bench = Bench(rate)
    executor = SingleThreadedExecutor()
    executor.add_node(bench)
    give_up = time.monotonic() + LONGEST_START
    while not bench.started and time.monotonic() < give_up:
        executor.spin_once(timeout_sec=0.1)
    finish = time.monotonic() + (seconds if bench.started else 0.0)
    while time.monotonic() < finish:
        executor.spin_once(timeout_sec=0.1)
    bench.destroy_node()
    rclpy.shutdown()
    return bench


def figures(latency: Latency) -> dict[str, Any]:
    p50 = {stage.name: round(float(stage.p50), 2) for stage in latency.stages}
    cost = round(sum(value for name, value in p50.items() if name != "track"), 2)
    return {
        "image": f"{SIZE[0]}x{SIZE[1]}",
        "images": int(latency.processed),
        "stages_ms_p50": p50,
        "node_ms_p50": cost,
        "target_ms": TARGET_MS,
        "within_target": cost <= TARGET_MS,
    }


if __name__ == "__main__":
    os.environ.update({name: value for name, value in environment().items() if name not in os.environ})
    sys.exit(main())
