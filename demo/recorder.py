"""The demo's client: starts tracking from the first image, records what comes back, and writes the report."""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from tqdm import tqdm
from vision_msgs.msg import BoundingBox2D

from demo.report import Sighting, make_report, overlaps, write_overview, write_report
from s2iammask.msg import TrackedObject, TrackedObjectArray
from s2iammask.srv import StartTracking
from s2iammask_core import Box, RotatedBox
from s2iammask_core.clip import FRAMES, first_box, shots
from s2iammask_core.files.clips import open_clip
from s2iammask_core.files.video_writer import video_writer
from s2iammask_core.tracking.track import MaskRegion
from s2iammask_ros.images.encodings import image_to_rgb
from s2iammask_ros.messages.boxes import rotated_to_message
from s2iammask_ros.messages.stamps import nanoseconds

LONGEST_START = 180.0  # seconds until the node must have loaded its weights
QUIET = 3.0  # seconds without a track after which the last image is given up
SECOND = 1e9


class Recorder(Node):
    """Hears the tracker's answers."""

    def __init__(self) -> None:
        super().__init__("recorder")
        self.sightings: dict[int, Sighting] = {}
        self.device = "unknown"
        self.last_heard = time.monotonic()
        self.progress: tqdm | None = None
        self.drawn: dict[int, CompressedImage] = {}  # overlays by stamp
        self.preview: Image | None = None
        self._preview_subscription = self.create_subscription(Image, "/camera/image_raw", self._on_image, 1)
        self.create_subscription(TrackedObjectArray, "/tracker/tracks", self._on_tracks, 100)
        self.create_subscription(CompressedImage, "/tracker/overlay/compressed", self._on_overlay, 20)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def start(self, box: Box) -> None:
        """Asks until the tracker follows the box of the preview; SystemExit with the reason if not."""
        client = self.create_client(StartTracking, "/tracker/start_tracking")
        wanted, end = rotated_to_message(RotatedBox.from_box(box)), time.monotonic() + LONGEST_START
        reason = "the tracker node did not come up"
        while time.monotonic() < end:
            rclpy.spin_once(self, timeout_sec=0.1)
            if client.service_is_ready() and self.preview is not None:
                answer = self._ask(client, wanted)
                if answer.success:
                    self.destroy_subscription(self._preview_subscription)
                    return
                reason = "; ".join([answer.message, *answer.reasons])
        raise SystemExit(f"tracking did not start: {reason}")

    def _ask(self, client: rclpy.client.Client, box: BoundingBox2D) -> StartTracking.Response:
        stamp = self.preview.header.stamp
        call = client.call_async(StartTracking.Request(boxes=[box], ids=["object"], stamp=stamp))
        rclpy.spin_until_future_complete(self, call, timeout_sec=60)
        return call.result() or StartTracking.Response(message="no answer in 60 s")

    def _on_image(self, image: Image) -> None:
        self.preview = image

    def _on_tracks(self, array: TrackedObjectArray) -> None:
        if array.header.frame_id == "preview" or not array.objects:
            return
        stamp, self.last_heard = nanoseconds(array.header.stamp), time.monotonic()
        latency = (self.get_clock().now().nanoseconds - stamp) / SECOND
        found = array.objects[0]
        size = (array.height, array.width)
        self.sightings[stamp] = Sighting(latency, self.last_heard, found.confidence, region_of(found), size)
        if self.progress is not None:
            self.progress.update()

    def _on_overlay(self, image: CompressedImage) -> None:
        if image.header.frame_id != "preview":
            self.drawn[nanoseconds(image.header.stamp)] = image

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        for status in array.status:
            if status.name == "tracker: device":
                self.device = next(
                    (pair.value for pair in status.values if pair.key == "device"), self.device
                )


def region_of(found: TrackedObject) -> MaskRegion:
    """The mask of a message; empty for one that is lost."""
    pixels = np.frombuffer(found.mask.data, np.uint8).reshape(found.region.height, found.region.width) > 0
    seen = pixels if found.state != TrackedObject.LOST else np.zeros((0, 0), np.bool_)
    return MaskRegion(found.region.x_offset, found.region.y_offset, seen, seen.astype(np.float32))


def record(node: Recorder, stamps: Path, total: int | None) -> list[int]:
    """Listens until the camera has ended and its last image is answered; the stamps of all it published."""
    with tqdm(total=total, desc="tracked", unit="frame") as node.progress:
        while not stamps.exists():
            rclpy.spin_once(node, timeout_sec=0.1)
        published: list[int] = json.loads(stamps.read_text())
        node.last_heard = time.monotonic()
        while published[-1] not in node.sightings and time.monotonic() < node.last_heard + QUIET:
            rclpy.spin_once(node, timeout_sec=0.1)
        end = time.monotonic() + 0.5  # the overlay of the last image
        while time.monotonic() < end:
            rclpy.spin_once(node, timeout_sec=0.1)
    return published


def write_video(
    path: Path, rate: float, published: Sequence[int], drawn: Mapping[int, CompressedImage]
) -> None:
    """One picture for each published image; that of a dropped one is the last before it."""
    with video_writer(path, rate) as video:
        shown = next((drawn[stamp] for stamp in published if stamp in drawn), None)
        for stamp in published if shown is not None else ():
            shown = drawn.get(stamp, shown)
            video.write(image_to_rgb(shown))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video")
    parser.add_argument("--box", help="x,y,w,h in the first frame; default: that of the composed clip")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--stamps", type=Path, required=True)
    parser.add_argument("--weights", required=True, help="name for the report")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for overlay.mp4, overview.png, report.json"
    )
    args = parser.parse_args()
    rclpy.init()
    node = Recorder()
    node.start(Box.from_text(args.box) if args.box else first_box())
    published = record(node, args.stamps, open_clip(args.video).count if args.video else FRAMES)
    write_video(args.out / "overlay.mp4", args.rate, published, node.drawn)
    truth = None if args.video else [shot.mask for shot in shots()][: len(published)]
    report = make_report(published, node.sightings, truth, node.device, args.weights)
    write_report(report, args.out / "report.json")
    ious = overlaps(published, node.sightings, truth) if truth else {}
    write_overview(args.out / "overlay.mp4", args.out / "overview.png", ious)
    node.destroy_node()
    rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
