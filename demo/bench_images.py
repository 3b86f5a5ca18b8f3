"""How many images of a camera arrive in the node while it tracks: make bench-images.

By size, reliability of the camera, and who has config/fastdds.xml: the camera's process, the node's, both or
none. Two processes on this machine, and those that make it busy, if they are asked for.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

import cv2
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from demo.run import ROOT, end, environment, module
from s2iammask.msg import Latency
from s2iammask.srv import StartTracking, StopTracking
from s2iammask_core import Box, RotatedBox
from s2iammask_core.bench.load import busy
from s2iammask_core.clip import first_box, shots
from s2iammask_ros.messages.boxes import rotated_to_message
from s2iammask_ros.outputs.conversions import rgb_to_image

SIZES = ("640x480", "854x480", "1280x720", "1920x1080")
RELIABILITIES = ("best_effort", "reliable")
SIDES = {"none": (), "camera": ("camera",), "node": ("node",), "both": ("camera", "node")}
PROFILE = "FASTRTPS_DEFAULT_PROFILES_FILE"
LONGEST_WAIT = 60.0  # seconds
REPORTS = 2  # that are waited for, until the last image is counted
FRAMES = 6


@dataclass(frozen=True, slots=True)
class Kind:
    """Images of one line of the table."""

    size: tuple[int, int]  # width and height
    reliability: str


def main() -> int:
    args = arguments()
    if args.side:
        return camera(args)
    with busy(args.busy):
        measure(args)
    return 0


def measure(args: argparse.Namespace) -> None:
    for profile in args.profile:
        print(f"config/fastdds.xml on: {profile}", flush=True)
        node = _begin("node", profile, [*module("s2iammask_ros.tracker_node"), *NODE])
        told = [
            "--side",
            "--rate",
            str(args.rate),
            "--images",
            str(args.images),
            "--targets",
            str(args.targets),
        ]
        try:
            _begin("camera", profile, [*module("demo.bench_images"), *told, "--size", *args.size]).wait()
        finally:
            end([node])


NODE = (
    *("--ros-args", "--log-level", "error", "-r", "image:=/bench/images", "-p", "report_period:=0.25"),
    *("-p", "max_age:=0.0", "-p", "size_change:=stop"),
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", choices=SIDES, nargs="+", default=list(SIDES), help="who has it")
    parser.add_argument("--size", nargs="+", default=list(SIZES), metavar="WxH")
    parser.add_argument("--rate", type=float, default=30.0, help="images a second (default %(default)g)")
    parser.add_argument("--images", type=int, default=150, help="of each kind (default %(default)d)")
    parser.add_argument("--targets", type=int, default=1, choices=(0, 1), help="that are tracked meanwhile")
    parser.add_argument(
        "--busy", type=int, default=0, metavar="N", help="N processes want a core each meanwhile"
    )
    parser.add_argument("--side", action="store_true", help=argparse.SUPPRESS)  # of the camera
    return parser.parse_args()


def _begin(role: str, profile: str, line: list[str]) -> "subprocess.Popen[bytes]":
    variables = {name: value for name, value in environment().items() if name != PROFILE}
    if role in SIDES[profile]:
        variables[PROFILE] = str(ROOT / "config" / "fastdds.xml")
    return subprocess.Popen(line, env=variables, start_new_session=True)


class Bench(Node):
    """The camera, and who asks the node what arrived."""

    def __init__(self) -> None:
        super().__init__("bench")
        self._start = self.create_client(StartTracking, "/tracker/start_tracking")
        self._stop = self.create_client(StopTracking, "/tracker/stop_tracking")
        self.create_subscription(Latency, "/tracker/latency", self._on_latency, 10)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)
        self._latest, self._reports = Latency(), 0

    def line(self, kind: Kind, rate: float, count: int, targets: int) -> str:
        """Publishes images of that kind, and says what became of them."""
        quality = QoSProfile(depth=5, reliability=ReliabilityPolicy[kind.reliability.upper()])
        publisher, frames = self.create_publisher(Image, "/bench/images", quality), pictures(kind.size)
        before = self._settled().received
        self._until(lambda: self._latest.received > before, lambda: self._show(publisher, next(frames)))
        if targets:
            self._begin_target(kind.size)
        before = self._settled()
        self._publish(publisher, frames, rate, count)
        after = self._settled()
        self._until(self._stop.call_async(StopTracking.Request()).done)
        self.destroy_publisher(publisher)
        came, tracked = after.received - before.received, after.processed - before.processed
        width, height = kind.size
        return (
            f"{width:5d}x{height:<5d}{kind.reliability:>12}  {came:4d} of {count} arrived "
            f"({100 * came / count:3.0f} %), {tracked:4d} processed, {after.age:5.1f} ms old on arrival"
        )

    def _publish(self, publisher: Publisher, frames: Iterator[Image], rate: float, count: int) -> None:
        due = time.monotonic()
        for _ in range(count):
            self._show(publisher, next(frames))
            due += 1 / rate
            while (left := due - time.monotonic()) > 0:
                self._executor.spin_once(timeout_sec=left)  # reports do not pile up

    def _show(self, publisher: Publisher, image: Image) -> None:
        image.header.stamp = self.get_clock().now().to_msg()
        publisher.publish(image)

    def _begin_target(self, size: tuple[int, int]) -> None:
        request = StartTracking.Request(boxes=[rotated_to_message(RotatedBox.from_box(scaled_box(size)))])
        answer = self._start.call_async(request)
        self._until(answer.done)
        if not answer.result().success:
            raise RuntimeError(f"tracking did not start: {answer.result().message}")

    def _settled(self) -> Latency:
        """The node's counts, when nothing is on its way any more."""
        seen = self._reports
        self._until(lambda: self._reports >= seen + REPORTS)
        return self._latest

    def _until(self, done: Callable[[], bool], attempt: Callable[[], None] = lambda: None) -> None:
        give_up = time.monotonic() + LONGEST_WAIT
        while not done():
            if time.monotonic() > give_up:
                raise TimeoutError("the node does not answer")
            attempt()
            self._executor.spin_once(timeout_sec=0.1)

    def _on_latency(self, latency: Latency) -> None:
        self._latest, self._reports = latency, self._reports + 1


def camera(args: argparse.Namespace) -> int:
    rclpy.init()
    bench = Bench()
    for size in args.size:
        width, height = (int(side) for side in size.split("x"))
        for reliability in RELIABILITIES:
            kind = Kind((width, height), reliability)
            print(bench.line(kind, args.rate, args.images, args.targets), flush=True)
    bench.destroy_node()
    rclpy.shutdown()
    return 0


def pictures(size: tuple[int, int]) -> Iterator[Image]:
    """The first frames of the demo's clip there and back, as messages that are made already."""
    frames = [cv2.resize(shot.frame, size) for shot, _ in zip(shots(), range(FRAMES), strict=False)]
    images = [rgb_to_image(frame, Header(frame_id="bench")) for frame in frames]
    return cycle([*images, *images[-2:0:-1]])


def scaled_box(size: tuple[int, int]) -> Box:
    box, (height, width) = first_box(), next(shots()).mask.shape
    x, y = size[0] / width, size[1] / height
    return Box(box.x1 * x, box.y1 * y, box.x2 * x, box.y2 * y)


if __name__ == "__main__":
    os.environ.update({name: value for name, value in environment().items() if name not in os.environ})
    sys.exit(main())
