"""What the page costs the tracker, and how late a person sees: make bench-page.

The demo's clip at 1280 x 720 and 30 Hz, one target, the node, the page, and 0, 1 and 4 browsers, all on this
machine. The browsers run at a low priority, since they are usually elsewhere; the page has that of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import rclpy
from playwright.sync_api import Browser

from demo.bench_node import SIZE, scaled_box
from demo.browser import DESK, open_browser
from demo.run import ROOT, end, environment, module
from s2iammask.msg import Latency
from s2iammask.srv import StartTracking
from s2iammask_core import RotatedBox
from s2iammask_core.clip import shots
from s2iammask_core.files.video_writer import video_writer
from s2iammask_ros.messages.boxes import rotated_to_message

PATIENT = 15  # niceness of the browsers
SETTLE = 12.0  # seconds before figures count: the node's window must hold nothing else
WATCH = """(seconds) => new Promise((done) => {
  const stage = document.querySelector('.stage'), delays = [];
  const seen = new MutationObserver(() => delays.push(Date.now() - Number(stage.dataset.painted) / 1e6));
  seen.observe(stage, { attributes: true, attributeFilter: ['data-painted'] });
  setTimeout(() => { seen.disconnect(); done(delays) }, 1000 * seconds);
})"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--weights", default="", help="as for the node")
    args = parser.parse_args()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        clip = write_clip(Path(folder) / "clip.mp4")
        lines = {
            "tracker": [*module("s2iammask_ros.tracker_node"), "--ros-args", "-r", "image:=/camera/image_raw",
                        "-p", f"weights:={args.weights or 's2iammask'}", "-p", "max_age:=0.0"],
            "camera": [*module("demo.camera"), "--video", str(clip), "--rate", "30", "--loop"],
            "page": [*module("s2iammask_ros.page.page"), "--ros-args", "-p", "port:=0"],
        }  # fmt: skip
        processes = {name: begin(line) for name, line in lines.items()}
        stack.callback(end, list(processes.values()))
        address = processes["page"].stdout.readline().split()[-1]
        start()
        print(json.dumps(measure(address, processes["page"].pid, args.seconds), indent=2))
    return 0


def begin(line: list[str]) -> Any:
    return subprocess.Popen(line, env=environment(), cwd=ROOT, text=True, stdout=subprocess.PIPE)


def write_clip(path: Path) -> Path:
    with video_writer(path, 30.0) as writer:
        for shot, _ in zip(shots(), range(8), strict=False):
            writer.write(cv2.resize(shot.frame, SIZE))
    return path


def start() -> None:
    """Follows the object; the first of the clip's frames is as good as any near it."""
    rclpy.init()
    node = rclpy.create_node("starter")
    client = node.create_client(StartTracking, "/tracker/start_tracking")
    box = rotated_to_message(RotatedBox.from_box(scaled_box()))
    while True:
        rclpy.spin_once(node, timeout_sec=0.5)
        if client.service_is_ready():
            call = client.call_async(StartTracking.Request(boxes=[box]))
            rclpy.spin_until_future_complete(node, call, timeout_sec=30)
            if call.result() is not None and call.result().success:
                break
    node.destroy_node()


def measure(address: str, page: int, seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {"image": f"{SIZE[0]}x{SIZE[1]}", "camera_hz": 30}
    with open_browser() as browser:
        for count in (0, 1, 4):
            found[f"{count} browsers"] = with_browsers(browser, address, count, page, seconds)
    return found


def with_browsers(browser: Browser, address: str, count: int, page: int, seconds: float) -> dict[str, Any]:
    contexts = [browser.new_context(**DESK) for _ in range(count)]
    pages = [context.new_page() for context in contexts]
    for each in pages:
        each.goto(address)
    give_way()
    time.sleep(SETTLE)
    before, begun = cpu_seconds(page), time.monotonic()
    delays = pages[0].evaluate(WATCH, seconds) if pages else time.sleep(seconds)
    busy = (cpu_seconds(page) - before) / (time.monotonic() - begun)
    latency = newest_latency()
    for context in contexts:
        context.close()
    return figures(latency, busy, memory(page), delays)


def figures(latency: Latency, busy: float, megabytes: float, delays: list[float] | None) -> dict[str, Any]:
    steps = {stage.name: round(float(stage.p50), 1) for stage in latency.stages}
    found = {
        "tracked_per_s": round(float(latency.rate), 1),
        "step_ms_p50": steps.get("track"),
        "latency_ms": [round(float(latency.p50), 1), round(float(latency.p95), 1)],
        "page_cpu_share_of_a_core": round(busy, 3),
        "page_mb": round(megabytes),
    }
    if delays:
        p50, p95 = np.percentile(delays, [50, 95])
        found |= {"stamp_to_paint_ms": [round(p50), round(p95)], "painted": len(delays)}
    return found


def newest_latency() -> Latency:
    heard: list[Latency] = []
    node = rclpy.create_node("listener")
    node.create_subscription(Latency, "/tracker/latency", heard.append, 10)
    while len(heard) < 2:
        rclpy.spin_once(node, timeout_sec=1.0)
    node.destroy_node()
    return heard[-1]


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> float:
    (line,) = [each for each in Path(f"/proc/{process}/status").read_text().splitlines() if "VmRSS" in each]
    return int(line.split()[1]) / 1000


def give_way() -> None:
    """The browsers' processes, our descendants, get what the others leave."""
    children = subprocess.run(["ps", "-eo", "pid,ppid,comm"], capture_output=True, text=True, check=True)
    family = {os.getpid()}
    for line in children.stdout.splitlines()[1:]:
        pid, parent, name = line.split(None, 2)
        if int(parent) in family:
            family.add(int(pid))
            if "chrom" in name:
                os.setpriority(os.PRIO_PROCESS, int(pid), PATIENT)


if __name__ == "__main__":
    os.environ.update({name: value for name, value in environment().items() if name not in os.environ})
    sys.exit(main())
