"""How many images arrive, by size, reliability and Fast DDS profile: make bench-images.

Two processes on this machine, a camera and a subscriber as the node's, and nothing else. A profile is
config/fastdds.xml for the camera's process, the subscriber's, both or none.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from threading import Thread

import numpy as np
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from demo.run import ROOT, end, environment, module
from s2iammask_ros.health.latency import percentiles
from s2iammask_ros.images.subscription import ImageSubscription
from s2iammask_ros.messages.arrays import byte_array
from s2iammask_ros.messages.stamps import SECOND, nanoseconds, time_message

SIZES = ("640x480", "854x480", "1280x720", "1920x1080")
RELIABILITIES = ("best_effort", "reliable")
SIDES = {"none": (), "camera": ("camera",), "node": ("node",), "both": ("camera", "node")}
PROFILE = "FASTRTPS_DEFAULT_PROFILES_FILE"
LONGEST_MATCH, LAST_WAIT = 20.0, 0.3  # seconds


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    size: str
    reliability: str
    profile: str
    published: int
    received: int
    p50_ms: float  # from stamp to callback
    p95_ms: float

    @property
    def text(self) -> str:
        share = 100 * self.received / max(self.published, 1)
        kind = f"{self.size:>9} {self.reliability:>11}  profile {self.profile:<6}"
        times = f"{self.p50_ms:6.1f} / {self.p95_ms:.1f} ms"
        return f"{kind} {self.received:>4} of {self.published} ({share:3.0f} %)  {times}"


def main() -> int:
    args = arguments()
    if args.role:
        return camera(args) if args.role == "camera" else subscriber()
    rows: list[Row] = []
    for profile in args.profile:
        for row in measure(profile, args):
            rows.append(row)
            print(row.text, flush=True)
    if args.json:
        print(json.dumps([asdict(row) for row in rows]))
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", choices=SIDES, nargs="+", default=list(SIDES), help="who has it")
    parser.add_argument("--rate", type=float, default=30.0, help="images a second (default %(default)g)")
    parser.add_argument("--images", type=int, default=150, help="of each kind (default %(default)d)")
    parser.add_argument("--json", action="store_true", help="the table once more, for programs")
    parser.add_argument("--role", choices=("camera", "node"), default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(profile: str, args: argparse.Namespace) -> list[Row]:
    """All sizes and reliabilities between two processes of their own."""
    told = ("--rate", str(args.rate), "--images", str(args.images))
    heard = _begin("node", profile)
    try:
        shown = json.loads(_begin("camera", profile, *told).communicate()[0])
        got = json.loads(heard.communicate("that is all\n")[0])
    finally:
        end([heard])
    rows = []
    for topic, published in shown.items():
        size, reliability = topic.split("/")
        times = percentiles(got[topic])
        rows.append(Row(size, reliability, profile, published, len(got[topic]), times.p50, times.p95))
    return rows


def _begin(role: str, profile: str, *told: str) -> "subprocess.Popen[str]":
    variables = {name: value for name, value in environment().items() if name != PROFILE}
    if role in SIDES[profile]:
        variables[PROFILE] = str(ROOT / "config" / "fastdds.xml")
    line = [*module("demo.bench_images"), "--role", role, *told]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(line, env=variables, text=True, start_new_session=True, **pipes)


def topics() -> list[str]:
    return [f"{size}/{reliability}" for size in SIZES for reliability in RELIABILITIES]


def name_of(topic: str) -> str:
    """A name of ROS may not begin with a digit."""
    return f"/bench/images_{topic}"


def subscriber() -> int:
    """Prints how long each image took, seconds by topic, when its input ends."""
    rclpy.init()
    node, took = Node("bench_subscriber"), {topic: list[float]() for topic in topics()}

    def hear(topic: str, image: Image) -> None:
        took[topic].append((node.get_clock().now().nanoseconds - nanoseconds(image.header.stamp)) / SECOND)

    group = MutuallyExclusiveCallbackGroup()
    subscriptions = [
        ImageSubscription(node, name_of(topic), "raw", lambda image, topic=topic: hear(topic, image), group)
        for topic in took
    ]
    executor, over = SingleThreadedExecutor(), Thread(target=sys.stdin.readline, daemon=True)
    executor.add_node(node)
    over.start()
    while over.is_alive():
        executor.spin_once(timeout_sec=0.1)
        for subscription in subscriptions:
            subscription.refresh()
    print(json.dumps(took), flush=True)
    return _leave(node)


def camera(args: argparse.Namespace) -> int:
    """Publishes on one topic after the other, and prints how many images."""
    rclpy.init()
    node, published = Node("bench_camera"), dict[str, int]()
    for topic in topics():
        published[topic] = _show(node, topic, args.rate, args.images)
    print(json.dumps(published), flush=True)
    return _leave(node)


def _show(node: Node, topic: str, rate: float, count: int) -> int:
    size, reliability = topic.split("/")
    width, height = (int(side) for side in size.split("x"))
    quality = QoSProfile(depth=5, reliability=ReliabilityPolicy[reliability.upper()])
    publisher = node.create_publisher(Image, name_of(topic), quality)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    image = Image(height=height, width=width, step=3 * width, encoding="bgr8", data=byte_array(pixels))
    if not _is_heard(publisher):
        return 0
    due = time.monotonic()
    for _ in range(count):
        image.header.stamp = time_message(node.get_clock().now().nanoseconds)
        publisher.publish(image)
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))
    time.sleep(LAST_WAIT)
    node.destroy_publisher(publisher)
    return count


def _is_heard(publisher: Publisher) -> bool:
    give_up = time.monotonic() + LONGEST_MATCH
    while not publisher.get_subscription_count():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    time.sleep(LAST_WAIT)  # the other side has to know of it too
    return True


def _leave(node: Node) -> int:
    node.destroy_node()
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    os.environ.update({name: value for name, value in environment().items() if name not in os.environ})
    sys.exit(main())
