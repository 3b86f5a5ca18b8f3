"""Tracks an object through a composed clip whose truth is known, and says how well.

  s2iammask demo --out overlay.mp4

No camera, no download and no ROS; needs scikit-image for the photographs.
"""

import argparse
import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from tqdm import tqdm

from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.errors import ConfigError

RATE = 10.0  # frames per second of what is written


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, metavar="MP4", help="where to write the clip with masks and boxes"
    )
    parser.add_argument("--frames", type=int, default=100, help="length of the clip (default: 100)")
    parser.add_argument("--json", action="store_true", help="print one json object")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    from s2iammask_core.clip import first_box, shots
    from s2iammask_core.evaluation.davis import region_similarity
    from s2iammask_core.files.outputs import keep_apart
    from s2iammask_core.files.video_writer import video_writer
    from s2iammask_core.overlay import draw_tracks
    from s2iammask_core.runtime import load_tracker, weights_file

    if args.frames < 2:
        raise ConfigError(f"--frames must be at least 2, one to start on and one to track; got {args.frames}")
    config, runtime = chosen_settings(args)
    keep_apart({"--out": args.out}, [weights_file(args.weights), *([args.config] if args.config else [])])
    tracker = load_tracker(args.weights, config=config, runtime=runtime)
    clip = shots(args.frames)
    tracker.start(next(clip).frame, [first_box(args.frames)])
    overlaps, seconds = [], 0.0
    with video_writer(args.out, RATE) if args.out else nullcontext() as writer:
        for shot in tqdm(clip, total=args.frames - 1, unit="frame", file=sys.stderr):
            begin = time.perf_counter()
            tracks = tracker.track(shot.frame)
            seconds += time.perf_counter() - begin
            overlaps.append(region_similarity(shot.mask, tracks[0].mask.full(*shot.mask.shape)))
            if writer:
                writer.write(draw_tracks(shot.frame, tracks))
    mean = sum(overlaps) / len(overlaps)
    figures = {"frames": len(overlaps), "mean_iou": round(mean, 4), "fps": round(len(overlaps) / seconds, 2)}
    print(json.dumps(figures) if args.json else f"mean IoU {mean:.3f} at {figures['fps']} frames/s")
    return 0
