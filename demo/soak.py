"""The node under load for a long time: 30 images a second, targets started and stopped at random.

python demo/soak.py --minutes 30        writes demo/soak.json, exits with 1 if something grew or got lost
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from demo.run import OUT, end, environment, module
from s2iammask.msg import Latency
from s2iammask.srv import StartTracking, StopTracking
from s2iammask_core import RotatedBox
from s2iammask_core.runtime import weights_file
from s2iammask_ros.messages.boxes import rotated_to_message
from s2iammask_ros.outputs.conversions import rgb_to_image

SIZE = (360, 480)  # rows and columns of the images
COLOURS = ((220, 30, 40), (30, 200, 60), (40, 60, 230), (230, 200, 40))
WARM = 0.2  # share of the time after which memory and latency must not grow any more
GROWTH_MB = 30.0
GROWTH_MS = 100.0
ON_THEIR_WAY = 2  # images that may be in the node when it is asked


@dataclass(frozen=True, slots=True)
class Sample:
    """The state of the node at a moment."""

    time: float  # seconds since the beginning
    memory: float  # megabytes
    p95: float  # milliseconds


@dataclass(frozen=True, slots=True)
class Findings:
    """soak.json."""

    seconds: float
    published: int
    received: int
    processed: int
    dropped: int
    late: int
    failed: int
    unaccounted: int
    starts: int
    refused: int
    stops: int
    received_percent: float  # of those that were published
    processed_hz: float
    memory_mb: tuple[float, float]  # when warm, and at the end
    p95_ms: tuple[float, float]
    errors: tuple[str, ...]


class Soak(Node):
    """The robot around the node: camera, impatient client, and observer."""

    def __init__(self, rate: float, process: int, seed: int = 0, **options: Any) -> None:
        """process: id of the process whose memory is watched."""
        super().__init__("soak", **options)
        self._random, self._process, self._begin = random.Random(seed), process, time.monotonic()
        self._images = self.create_publisher(Image, "/camera/image_raw", 1)
        self._start = self.create_client(StartTracking, "/tracker/start_tracking")
        self._stop = self.create_client(StopTracking, "/tracker/stop_tracking")
        self.create_subscription(Latency, "/tracker/latency", self._on_latency, 10)
        self._timers_of_soak = [
            self.create_timer(1 / rate, self._publish),
            self.create_timer(0.4, self._act),
        ]
        self.published = self.starts = self.refused = self.stops = 0
        self.samples: list[Sample] = []
        self.latest: Latency | None = None
        self._known: list[str] = []

    def calm_down(self) -> None:
        """No more images and requests."""
        for timer in self._timers_of_soak:
            timer.cancel()

    def _publish(self) -> None:
        stamp = self.get_clock().now().to_msg()
        self._images.publish(rgb_to_image(self._scene(), Header(stamp=stamp, frame_id="soak")))
        self.published += 1

    def _scene(self) -> NDArray[np.uint8]:
        frame = np.full((*SIZE, 3), 120, np.uint8)
        for number, colour in enumerate(COLOURS):
            x, y = (int(value) for value in self._place(number))
            cv2.rectangle(frame, (x - 25, y - 20), (x + 25, y + 20), colour, cv2.FILLED)
        return frame

    def _place(self, number: int) -> tuple[float, float]:
        angle = 0.5 * (time.monotonic() - self._begin) + number * np.pi / 2
        return SIZE[1] / 2 + 150 * np.cos(angle), SIZE[0] / 2 + 110 * np.sin(angle)

    def _act(self) -> None:
        if not self._start.service_is_ready():
            return
        if self._random.random() < 0.5:
            x, y = self._place(self._random.randrange(len(COLOURS)))
            request = StartTracking.Request(boxes=[rotated_to_message(RotatedBox(x, y, 50, 40, 0.0))])
            self._start.call_async(request).add_done_callback(self._on_started)
        else:
            names = self._known[:1] if self._random.random() < 0.8 else []
            self._stop.call_async(StopTracking.Request(ids=names)).add_done_callback(self._on_stopped)

    def _on_started(self, call: Any) -> None:
        started = [name for name in call.result().ids if name]
        self._known += started
        self.starts += len(started)
        self.refused += not started

    def _on_stopped(self, call: Any) -> None:
        stopped = set(call.result().ids)
        self._known = [name for name in self._known if name not in stopped]
        self.stops += len(stopped)

    def _on_latency(self, latency: Latency) -> None:
        self.latest = latency
        passed = time.monotonic() - self._begin
        self.samples.append(Sample(passed, resident_mb(self._process), latency.p95))


def resident_mb(process: int) -> float:
    """Memory that the process holds."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


def findings(soak: Soak) -> Findings:
    last = soak.latest or Latency()
    end_time = soak.samples[-1].time if soak.samples else 0.0
    warm = [sample for sample in soak.samples if sample.time > WARM * end_time] or [Sample(0.0, 0.0, 0.0)]
    third = max(len(warm) // 3, 1)
    memory = (median(warm[:third], "memory"), median(warm[-third:], "memory"))
    p95 = (median(warm[:third], "p95"), median(warm[-third:], "p95"))
    away = last.received - last.processed - last.dropped - last.late - last.failed
    checks = {
        f"{away} images are not accounted for": not 0 <= away <= ON_THEIR_WAY,
        f"memory grew by {memory[1] - memory[0]:.0f} MB": memory[1] - memory[0] > GROWTH_MB,
        f"p95 grew by {p95[1] - p95[0]:.0f} ms": p95[1] - p95[0] > GROWTH_MS,
        f"{last.failed} images failed": last.failed > 0,
        "no target was started": soak.starts == 0,
        "no image was tracked": last.processed == 0,
    }
    counts = {
        name: int(getattr(last, name)) for name in ("received", "processed", "dropped", "late", "failed")
    }
    return Findings(
        seconds=round(end_time, 1),
        published=soak.published,
        **counts,
        unaccounted=int(away),
        starts=soak.starts,
        refused=soak.refused,
        stops=soak.stops,
        received_percent=round(100 * last.received / max(soak.published, 1), 1),
        processed_hz=round(last.processed / max(end_time, 1.0), 1),
        memory_mb=memory,
        p95_ms=p95,
        errors=tuple(text for text, wrong in checks.items() if wrong),
    )


def median(samples: Sequence[Sample], name: str) -> float:
    return round(float(np.nanmedian([getattr(sample, name) for sample in samples])), 1)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=30.0, help="images a second (default %(default)g)")
    parser.add_argument("--weights", type=weights_file, default=weights_file())
    parser.add_argument(
        "--targets",
        type=int,
        default=4,
        help="most at a time (default %(default)d), as a slow CPU drowns in more",
    )
    args = parser.parse_args()
    names = (
        "-r",
        "image:=/camera/image_raw",
        "-p",
        f"weights:={args.weights.resolve()}",
        "-p",
        "max_age:=0.0",
        "-p",
        f"max_targets:={args.targets}",
    )
    line = [*module("s2iammask_ros.tracker_node"), "--ros-args", "--log-level", "warn", *names]
    node = subprocess.Popen(line, env=environment(), start_new_session=True)
    try:
        found = run(node.pid, args.rate, args.minutes * 60)
    finally:
        end([node])
    (OUT / "soak.json").write_text(json.dumps(asdict(found), indent=2) + "\n")
    print(json.dumps(asdict(found), indent=2))
    return 1 if found.errors else 0


def run(process: int, rate: float, seconds: float) -> Findings:
    rclpy.init()
    soak = Soak(rate, process)
    executor = SingleThreadedExecutor()
    executor.add_node(soak)
    finish = time.monotonic() + seconds
    while time.monotonic() < finish:
        executor.spin_once(timeout_sec=0.2)
    soak.calm_down()
    finish = time.monotonic() + 3.0  # the last images, and one more report about them
    while time.monotonic() < finish:
        executor.spin_once(timeout_sec=0.2)
    soak.destroy_node()
    rclpy.shutdown()
    return findings(soak)


if __name__ == "__main__":
    os.environ.update({name: value for name, value in environment().items() if name not in os.environ})
    sys.exit(main())
