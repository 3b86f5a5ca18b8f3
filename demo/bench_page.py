"""What the page costs the tracker, and how late a person sees: make bench-page.

The demo's clip at 1280 x 720 and 30 Hz, one target, the node, the page, and 0, 1 and 4 viewers, all on this
machine. Viewers are usually elsewhere, so those that show the page's cost take pictures and paint none. Then
come 1 and 4 browsers of this machine, at a low priority: a clock in the picture tells how late they paint.

With --slow-minutes 10 instead: the memory of the page's process beside a browser behind a slow link.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import rclpy
from playwright.sync_api import Browser

from demo.bench_node import SIZE, scaled_box
from demo.browser import DESK, open_browser
from demo.clock import BITS, DELAYS, SHARE
from demo.run import ROOT, end, environment, module
from demo.slow_link import slow_link
from s2iammask.msg import Latency
from s2iammask.srv import StartTracking
from s2iammask_core import RotatedBox
from s2iammask_core.clip import shots
from s2iammask_core.files.video_writer import video_writer
from s2iammask_ros.messages.boxes import rotated_to_message
from s2iammask_ros.page.settings import PageConfig

PATIENT = 15  # niceness of the browsers
SETTLE = 3.0  # seconds until those who came are served
SECONDS = 12.0  # of one measurement; the node's percentiles cover the last ten
COUNTS = (0, 1, 4)
SLOW = 50_000  # bytes a second of a slow link: a picture takes two seconds
PERIOD = 5.0  # seconds between two looks at the memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="of 0, 1 and 4 viewers, in turn; or 0")
    parser.add_argument("--slow-minutes", type=float, default=0.0, help="memory beside a slow browser")
    parser.add_argument("--rate", type=float, default=PageConfig().rate, help="of the page")
    parser.add_argument("--weights", default="s2iammask", help="as for the node")
    args = parser.parse_args()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        clip = write_clip(Path(folder) / "clip.mp4")
        lines = {
            "tracker": [
                *module("s2iammask_ros.tracker_node"),
                "--ros-args",
                "-r",
                "image:=/camera/image_raw",
                "-p",
                f"weights:={args.weights}",
                "-p",
                "max_age:=0.0",
            ],
            "camera": [*module("demo.camera"), "--video", str(clip), "--rate", "30", "--loop", "--clock"],
            "page": [
                *module("s2iammask_ros.page.page"),
                "--ros-args",
                *("-p", "port:=0", "-p", f"rate:={args.rate}"),
            ],
        }
        processes = {name: begin(line) for name, line in lines.items()}
        stack.callback(end, list(processes.values()))
        address, page = processes["page"].stdout.readline().split()[-1], processes["page"].pid
        start()
        if args.slow_minutes:
            found = beside_a_slow_browser(address, page, 60 * args.slow_minutes)
        else:
            found = beside_viewers(address, page, args.rounds) | beside_browsers(address, page)
    print(json.dumps({"image": f"{SIZE[0]}x{SIZE[1]}", "camera_hz": 30} | found, indent=2))
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


def beside_viewers(address: str, page: int, rounds: int) -> dict[str, Any]:
    """The medians of some rounds, since a machine's speed changes from minute to minute."""
    found: dict[int, list[dict[str, Any]]] = {count: [] for count in COUNTS}
    for _ in range(rounds):
        for count in COUNTS:
            viewers = begin([*module("demo.viewers"), address, str(count)])
            time.sleep(SETTLE)
            found[count].append(figures(page, lambda: time.sleep(SECONDS)))
            end([viewers])
    return {f"{count} viewers": medians(rows) for count, rows in found.items() if rows}


def medians(rows: list[dict[str, Any]]) -> dict[str, Any]:
    middle = {name: round(median(row[name] for row in rows), 3) for name in rows[0]}
    return middle | {"tracked_per_s_of_each_round": [row["tracked_per_s"] for row in rows]}


def beside_browsers(address: str, page: int) -> dict[str, Any]:
    with open_browser() as browser:
        return {f"{count} browsers": with_browsers(browser, address, count, page) for count in COUNTS[1:]}


def with_browsers(browser: Browser, address: str, count: int, page: int) -> dict[str, Any]:
    contexts = [browser.new_context(**DESK) for _ in range(count)]
    pages = [context.new_page() for context in contexts]
    for each in pages:
        each.goto(address)
    give_way()
    time.sleep(SETTLE)
    delays: list[float] = []
    found = figures(page, lambda: delays.extend(pages[0].evaluate(DELAYS, [SECONDS, *SIZE, BITS, SHARE])))
    for context in contexts:
        context.close()
    return found | glass_to_glass(delays)


def glass_to_glass(delays: list[float]) -> dict[str, Any]:
    """From the camera's time to the painted canvas."""
    p50, p95 = np.percentile(delays, [50, 95])
    return {"glass_to_glass_ms_p50": round(p50), "glass_to_glass_ms_p95": round(p95), "painted": len(delays)}


def figures(page: int, action: Callable[[], object]) -> dict[str, Any]:
    """What the node and the page did during an action."""
    before, busy, begun = newest_latency(), cpu_seconds(page), time.monotonic()
    action()
    share = (cpu_seconds(page) - busy) / (time.monotonic() - begun)
    latency = newest_latency()
    steps = {stage.name: float(stage.p50) for stage in latency.stages}
    found = {
        "tracked_per_s": round((latency.processed - before.processed) / (clock(latency) - clock(before)), 2),
        "step_ms_p50": round(steps["track"], 1),
        "latency_ms_p50": round(float(latency.p50), 1),
        "latency_ms_p95": round(float(latency.p95), 1),
        "page_share_of_a_core": round(share, 3),
        "page_mb": round(memory(page)),
    }
    print(json.dumps(found), file=sys.stderr)
    return found


def clock(latency: Latency) -> float:
    return float(latency.header.stamp.sec + latency.header.stamp.nanosec / 1e9)


def newest_latency() -> Latency:
    heard: list[Latency] = []
    node = rclpy.create_node("listener")
    node.create_subscription(Latency, "/tracker/latency", heard.append, 10)
    while not heard:
        rclpy.spin_once(node, timeout_sec=1.0)
    node.destroy_node()
    return heard[-1]


def beside_a_slow_browser(address: str, page: int, seconds: float) -> dict[str, Any]:
    """Megabytes of the page's process, by tenths; beyond the least are images that wait for tracks."""
    samples: list[float] = []
    with open_browser() as browser, slow_link(address, SLOW) as link:
        looking = browser.new_context(**DESK).new_page()
        looking.goto(link, timeout=120_000)
        looking.wait_for_selector(".stage[data-painted]:not([data-painted=''])", timeout=120_000)
        give_way()
        last = time.monotonic() + seconds
        painted = set()
        while time.monotonic() < last:
            samples.append(memory(page))
            print(f"{samples[-1]:.1f} MB", file=sys.stderr)
            painted.add(looking.get_attribute(".stage", "data-painted"))
            looking.wait_for_timeout(1000 * PERIOD)
    tenths = np.array_split(samples, min(10, len(samples)))
    return {
        "seconds": seconds,
        "page_mb_mean": [round(float(part.mean()), 1) for part in tenths],
        "page_mb_least": [round(float(part.min()), 1) for part in tenths],
        "page_mb_most": round(max(samples), 1),
        "different_pictures_seen": len(painted),
        "looks": len(samples),
    }


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> float:
    """Resident, and its own: what processes share to hand over images counts for none."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    sizes = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS", "RssShmem")))
    own, shared = (int(sizes[name].split()[0]) for name in ("VmRSS", "RssShmem"))
    return (own - shared) / 1000


def give_way() -> None:
    """The browsers, our descendants, get what the others leave. A priority is that of one thread."""
    children = subprocess.run(["ps", "-eo", "pid,ppid,comm"], capture_output=True, text=True, check=True)
    family = {os.getpid()}
    for line in children.stdout.splitlines()[1:]:
        pid, parent, name = line.split(None, 2)
        if int(parent) in family:
            family.add(int(pid))
            if "chrom" in name:
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    with suppress(ProcessLookupError):
                        os.setpriority(os.PRIO_PROCESS, int(thread.name), PATIENT)


if __name__ == "__main__":
    os.environ.update({name: value for name, value in environment().items() if name not in os.environ})
    sys.exit(main())
