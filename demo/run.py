"""The demo: a camera, the tracker node and a client, three processes that talk over ROS 2 on this machine.

    python demo/run.py                                    a composed clip with known truth
    python demo/run.py --video clip.mp4 --box 10,20,80,60 your own video, folder of frames or camera index
    python demo/run.py --page                             the camera goes on for ever, the page is the client

Writes overlay.mp4, overview.png and report.json into demo/.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s2iammask_core import Box, S2iamMaskError
from s2iammask_core.files.clips import open_clip
from s2iammask_core.runtime import weights_file
from s2iammask_core.tracking.start import checked_start

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "demo"
USUAL_RATE = 30.0  # images a second, those of a camera
PAGE_RATE = 15.0  # images a second that a browser gets; the tracker takes as many as it can
HISTORY = 10.0  # seconds; people take their time to draw a box
LONGEST_END = 5.0  # seconds
FEW = 0.05  # share of dropped images that need no advice


def main() -> int:
    args = arguments()
    weights = args.weights
    if not weights.exists():
        print(f"error: there are no weights at {weights}; give others with --weights", file=sys.stderr)
        return 2
    if args.video and not args.box and not args.page:
        print("error: --video needs --box x,y,w,h, the object in the first frame", file=sys.stderr)
        return 2
    if args.video and args.box:
        try:
            check_start(args.video, args.box)
        except S2iamMaskError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of run's end: no process is left behind
    if args.page:
        return show(page_commands(args, weights))
    with tempfile.TemporaryDirectory(prefix="s2iammask_demo_") as folder:
        code = run(commands(args, weights, Path(folder) / "stamps.json"))
    if code == 0:
        print(summary(json.loads((OUT / "report.json").read_text())))
    return code


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--video", help="video file, folder of frames, or number of a camera")
    parser.add_argument("--box", metavar="X,Y,W,H", help="the object in the first frame")
    parser.add_argument("--page", action="store_true", help="draw boxes on a page in the browser")
    parser.add_argument("--port", type=int, default=8765, help="of the page; 0: any free one")
    parser.add_argument(
        "--weights",
        type=weights_file,
        default=weights_file(),
        help="default: those that come with the package",
    )
    parser.add_argument(
        "--rate",
        type=float,
        help=f"images a second (default {USUAL_RATE:g}; with a page {PAGE_RATE:g})",
    )
    args = parser.parse_args()
    args.rate = args.rate or (PAGE_RATE if args.page else USUAL_RATE)
    return args


def check_start(video: str, box: str) -> None:
    """An error before anything runs, where the video cannot be read or the box cannot be tracked in it."""
    height, width = next(iter(open_clip(video))).shape[:2]
    checked_start(Box.from_text(box), (height, width))


def commands(args: argparse.Namespace, weights: Path, stamps: Path) -> dict[str, list[str]]:
    """The three processes, by name."""
    source = ["--video", args.video] if args.video else []
    shared = [*source, "--rate", str(args.rate), "--stamps", str(stamps)]
    box = ["--box", args.box] if args.box else []
    named = str(weights.relative_to(ROOT)) if weights.is_relative_to(ROOT) else str(weights)
    return {
        "tracker": [
            *module("s2iammask_ros.tracker_node"),
            *("--ros-args", "-r", "image:=/camera/image_raw", "--log-level", "warn"),
            *("-p", f"weights:={weights.resolve()}", "-p", "max_age:=10.0"),
        ],
        "camera": [*module("demo.camera"), *shared],
        "client": [*module("demo.recorder"), *shared, *box, "--weights", named, "--out", str(OUT)],
    }


def page_commands(args: argparse.Namespace, weights: Path) -> dict[str, list[str]]:
    """The same with a camera that goes on for ever, and the page in the client's place."""
    source = ["--video", args.video] if args.video else []
    return {
        "tracker": [
            *commands(args, weights, Path(os.devnull))["tracker"],
            *("-p", f"history_seconds:={HISTORY}"),
        ],
        "camera": [*module("demo.camera"), *source, "--rate", str(args.rate), "--loop"],
        "page": [*module("s2iammask_ros.page.page"), "--ros-args", "-p", f"port:={args.port}"],
    }


def show(lines: dict[str, list[str]]) -> int:
    """Runs all until Ctrl-C; 1 if one of them ended before."""
    shared = environment()
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, line in lines.items():
            processes[name] = subprocess.Popen(line, env=shared, cwd=ROOT, start_new_session=True)
        while all(process.poll() is None for process in processes.values()):
            time.sleep(0.2)
    except KeyboardInterrupt:
        return 0
    finally:
        end(list(processes.values()))
    ended = [name for name, process in processes.items() if process.returncode not in (0, -signal.SIGTERM)]
    print(f"error: the {' and the '.join(ended)} process ended", file=sys.stderr)
    return 1


def module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def run(lines: dict[str, list[str]]) -> int:
    """Runs all until the client has ended; its exit status, or 1 if another ended before it."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, line in lines.items():
            processes[name] = subprocess.Popen(line, env=environment(), cwd=ROOT, start_new_session=True)
        return wait(processes)
    finally:
        end(list(processes.values()))


def wait(processes: dict[str, subprocess.Popen[bytes]]) -> int:
    while processes["client"].poll() is None:
        try:
            time.sleep(0.2)
        except KeyboardInterrupt:  # ends a live camera; the client then writes what it has
            processes["camera"].send_signal(signal.SIGINT)
        failed = [name for name, each in processes.items() if each.poll() not in (None, 0)]
        if failed and failed != ["client"]:
            print(f"error: the {failed[0]} process ended", file=sys.stderr)
            return 1
    return int(processes["client"].returncode)


def environment() -> dict[str, str]:
    """DDS stays on this machine, apart from other runs, and carries large images."""
    local = {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "FASTRTPS_DEFAULT_PROFILES_FILE": str(ROOT / "config" / "fastdds.xml"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    return {"ROS_DOMAIN_ID": str(random.randint(1, 100)), **os.environ, **local}


def end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    last = time.monotonic() + LONGEST_END
    for process in processes:
        while process.poll() is None and time.monotonic() < last:
            time.sleep(0.05)
        process.kill()
        process.wait()


def summary(report: dict[str, Any]) -> str:
    iou = report["mean_iou"]
    truth = "" if iou is None else f", mean IoU with the truth {iou:.3f}"
    return (
        f"{report['frames_published']} images published at {report['camera_hz']} Hz, "
        f"{report['frames_tracked']} tracked, {report['dropped']} dropped{advice(report)}\n"
        f"{report['fps']} fps on {report['device']}, latency p50 {report['latency_ms_p50']} ms, "
        f"p95 {report['latency_ms_p95']} ms\n"
        f"mean confidence {report['mean_confidence']:.3f}{truth}\n"
        "see demo/overlay.mp4, demo/overview.png, demo/report.json"
    )


def advice(report: dict[str, Any]) -> str:
    """What to do about many dropped images."""
    if report["dropped"] <= FEW * report["frames_published"]:
        return ""
    slower = max(int(0.8 * report["fps"]), 1)
    return f": this machine, with what else it does, is too slow for the camera; try RATE={slower}"


if __name__ == "__main__":
    sys.exit(main())
