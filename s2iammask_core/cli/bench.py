"""Measure the time of a tracking step on a drawn clip: the whole, its stages, and the device's limit.

The tracker is that of `load_tracker`: runtime auto takes the first way that is verified; what ran is named.
Stages and arithmetic are those of PyTorch; what was exported is measured as a whole.
With --variant the network has random weights, in PyTorch: the time is the same, but its masks are noise.
The reference is the original algorithm's step, SiamMask-sharp run eagerly in fp32, for one target.
"""

import argparse
import json
import time
from dataclasses import asdict, replace

from s2iammask_core.bench.measure import Plan, Row, against, loaded_row
from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.config import VARIANTS, RuntimeConfig
from s2iammask_core.errors import ConfigError, UnavailableError
from s2iammask_core.runtime.machine import processor
from s2iammask_core.runtime.weights import USUAL, checked_weights

MOST_LOAD = 64  # busy processes
CHOICES = {
    name: RuntimeConfig.__dataclass_fields__[name].metadata["choices"] for name in ("precision", "runtime")
}

CLOCKS = {"wall": time.perf_counter, "process": time.process_time}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    parser.add_argument("--targets", default="1", metavar="N,N", help="numbers of targets (default: 1)")
    parser.add_argument("--size", default="1280x720", metavar="WxH", help="of the frame (default: 1280x720)")
    parser.add_argument("--variant", choices=VARIANTS, help="network with random weights")
    parser.add_argument("--precision", choices=CHOICES["precision"], help="number format (default: auto)")
    parser.add_argument("--runtime", choices=CHOICES["runtime"], help="how the step runs (default: auto)")
    parser.add_argument("--threads", type=int, help="CPU threads; 0: as many as physical cores (default: 0)")
    parser.add_argument("--frames", type=int, default=100, help="frames to measure (default: 100)")
    parser.add_argument(
        "--load", type=int, default=0, metavar="N",
        help="measure a second time beside N busy processes, as on a robot that does other work",
    )  # fmt: skip
    parser.add_argument("--no-stages", action="store_true", help="measure whole steps only")
    parser.add_argument("--reference", action="store_true", help="also measure the original algorithm's step")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall",
        help="process counts this process's CPU time: for --threads 1 on a machine with other work",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the result as one json object")


def run(args: argparse.Namespace) -> int:
    if args.weights and args.variant:
        raise ConfigError("--variant makes random weights; give either --variant or --weights")
    plan = _plan(args)
    rows = _rows(args, plan)
    conditions = _conditions(args, plan, rows[-1])
    if args.json:
        print(json.dumps({**conditions, "rows": [_record(each) for each in rows]}))
        return 0
    print(", ".join(f"{name} {value}" for name, value in conditions.items()))
    for each in rows:
        print(_text(each))
    return 0


def _rows(args: argparse.Namespace, plan: Plan) -> list[Row]:
    counts = _counts(args.targets)
    if not (args.variant or args.reference):
        return [loaded_row(plan, checked_weights(args.weights), count) for count in counts]
    try:
        from s2iammask_core.bench.network import random_row, reference_row
    except ImportError as error:
        raise UnavailableError(
            f"--variant and --reference need PyTorch ({error}): pip install s2iammask[torch]"
        ) from error
    first = [reference_row(plan)] if args.reference else []
    if args.variant:
        rows = [random_row(plan, args.variant, count) for count in counts]
    else:
        rows = [loaded_row(plan, checked_weights(args.weights), count) for count in counts]
    return first + [against(first[0], each) if first else each for each in rows]


def _plan(args: argparse.Namespace) -> Plan:
    tracker, runtime = chosen_settings(args)
    given = {name: getattr(args, name) for name in ("precision", "runtime", "threads")}
    runtime = replace(runtime, **{name: value for name, value in given.items() if value is not None})
    width, height = _size(args.size)
    if args.frames < 1:
        raise ConfigError(f"--frames must be at least 1, got {args.frames}")
    if not 0 <= args.load <= MOST_LOAD:
        raise ConfigError(f"--load takes 0 to {MOST_LOAD} processes, got {args.load}")
    clock = CLOCKS[args.clock]
    return Plan(tracker, runtime, height, width, args.frames, not args.no_stages, clock, args.load)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and min(int(width), int(height)) >= 64):
        raise ConfigError(f"--size takes WxH of at least 64x64 pixels, got {text!r}")
    return int(width), int(height)


def _counts(text: str) -> list[int]:
    if not all(part.isdecimal() and 1 <= int(part) <= 256 for part in text.split(",")):
        raise ConfigError(f"--targets takes numbers from 1 to 256 with commas, got {text!r}")
    return [int(part) for part in text.split(",")]


def _conditions(args: argparse.Namespace, plan: Plan, last: Row) -> dict[str, str | int]:
    return {
        "device": last.device,
        "processor": _processor(last.device),
        "runtime": last.way.runtime,
        "threads": last.way.threads,
        "precision": last.way.precision,
        "variant": last.name,
        "weights": "random" if args.variant else str(args.weights) or USUAL,
        "size": f"{plan.width}x{plan.height}",
        "frames": plan.frames,
        "clock": args.clock,
        "load": plan.load,
    }


def _processor(device: str) -> str:
    if not device.startswith("cuda"):
        return processor()
    try:
        import torch
    except ImportError:
        return "a GPU"
    return torch.cuda.get_device_name(device) if torch.cuda.is_available() else "a GPU that PyTorch lacks"


def _record(found: Row) -> dict[str, object]:
    return {**asdict(found), "stages": {stage.name: stage.ms for stage in found.stages}}


def _text(found: Row) -> str:
    parts = [
        f"{found.name}, targets {found.targets}: {found.step_ms_p50:.2f} ms (p99 {found.step_ms_p99:.2f})",
        f"{found.frames_per_s:.1f} frames/s",
        f"{found.target_frames_per_s:.1f} target-frames/s",
        f"{found.memory_mib:.0f} MiB",
    ]
    if found.slow_down is not None:
        loaded = f"loaded {found.loaded_ms_p50:.2f} ms (p99 {found.loaded_ms_p99:.2f})"
        parts.append(f"{loaded} = {found.slow_down:.2f} x idle")
    if found.tflops is not None:
        parts.append(f"{found.tflops:.3f} TFLOP/s = {found.share_of_ceiling:.0%} of the matrix product")
    if found.speed_up is not None:
        parts.append(f"{found.speed_up:.2f} x the reference")
    return "\n".join([", ".join(parts), *(f"    {each.name:10} {each.ms:8.2f} ms" for each in found.stages)])
