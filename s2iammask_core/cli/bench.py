"""Measure the time of a tracking step on a drawn clip: the whole, its stages, and the device's limit.

Without --weights the network of --variant has random weights; the time is the same, but its masks are noise.
--weights may also be a folder that `s2iammask export` wrote: of onnxruntime whole steps are measured.
The reference is the original algorithm's step, SiamMask-sharp run eagerly in fp32, for one target.
"""

import argparse
import json
import platform
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch

from s2iammask_core.bench.measure import Plan, Row, reference_row, row
from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.config import VARIANTS, NetworkConfig, RuntimeConfig
from s2iammask_core.devices import format_named
from s2iammask_core.errors import ConfigError
from s2iammask_core.model import SiameseNetwork, build_network, checkpoint
from s2iammask_core.runtime import weights_file
from s2iammask_core.runtime.exported import folder_of, is_exported, read_description

CHOICES = {
    name: RuntimeConfig.__dataclass_fields__[name].metadata["choices"] for name in ("precision", "runtime")
}

CLOCKS = {"wall": time.perf_counter, "process": time.process_time}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    parser.add_argument("--targets", default="1", metavar="N,N", help="numbers of targets (default: 1)")
    parser.add_argument("--size", default="1280x720", metavar="WxH", help="of the frame (default: 1280x720)")
    parser.add_argument(
        "--variant", choices=VARIANTS, default="s2iammask", help="network with random weights"
    )
    parser.add_argument("--precision", choices=CHOICES["precision"], help="number format (default: auto)")
    parser.add_argument("--runtime", choices=CHOICES["runtime"], help="how the step runs (default: auto)")
    parser.add_argument("--threads", type=int, help="CPU threads; 0 leaves PyTorch's choice (default: 0)")
    parser.add_argument("--frames", type=int, default=100, help="frames to measure (default: 100)")
    parser.add_argument("--no-stages", action="store_true", help="measure whole steps only")
    parser.add_argument("--reference", action="store_true", help="also measure the original algorithm's step")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall",
        help="process counts this process's CPU time: for --threads 1 on a machine with other work",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the result as one json object")


def run(args: argparse.Namespace) -> int:
    plan = _plan(args)
    first = [reference_row(plan)] if args.reference else []
    rows = first + [row(plan, targets, *first) for targets in _counts(args.targets)]
    if args.json:
        found = [_record(each) for each in rows]
        print(json.dumps({**_conditions(args, plan, rows[-1].device), "rows": found}))
        return 0
    print(", ".join(f"{name} {value}" for name, value in _conditions(args, plan, rows[-1].device).items()))
    for each in rows:
        print(_text(each))
    return 0


def _plan(args: argparse.Namespace) -> Plan:
    tracker, runtime = chosen_settings(args)
    given = {name: getattr(args, name) for name in ("precision", "runtime", "threads")}
    runtime = replace(runtime, **{name: value for name, value in given.items() if value is not None})
    width, height = _size(args.size)
    if args.frames < 1:
        raise ConfigError(f"--frames must be at least 1, got {args.frames}")
    if runtime.threads:
        torch.set_num_threads(runtime.threads)
    network = _network(args)
    return Plan(network, tracker, runtime, height, width, args.frames, not args.no_stages, CLOCKS[args.clock])


def _network(args: argparse.Namespace) -> SiameseNetwork | Path:
    if args.weights:
        path = weights_file(args.weights)
        return folder_of(path) if is_exported(path) else checkpoint.load(path)[0]
    torch.manual_seed(0)
    return build_network(NetworkConfig(args.variant))


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and min(int(width), int(height)) >= 64):
        raise ConfigError(f"--size takes WxH of at least 64x64 pixels, got {text!r}")
    return int(width), int(height)


def _counts(text: str) -> list[int]:
    if not all(part.isdecimal() and 1 <= int(part) <= 256 for part in text.split(",")):
        raise ConfigError(f"--targets takes numbers from 1 to 256 with commas, got {text!r}")
    return [int(part) for part in text.split(",")]


def _conditions(args: argparse.Namespace, plan: Plan, device: str) -> dict[str, str | int]:
    return {
        "device": device,
        "processor": _processor(device),
        "torch": torch.__version__,
        **_subject(plan, device),
        "weights": str(args.weights) or "random",
        "size": f"{plan.width}x{plan.height}",
        "frames": plan.frames,
        "clock": args.clock,
    }


def _processor(device: str) -> str:
    if device == "cpu":
        return platform.processor() or "cpu"
    return torch.cuda.get_device_name(device) if torch.cuda.is_available() else "a GPU that PyTorch lacks"


def _subject(plan: Plan, device: str) -> dict[str, str | int]:
    if isinstance(plan.network, Path):
        import onnxruntime

        found, runtime = read_description(plan.network), f"onnxruntime {onnxruntime.__version__}"
        threads = plan.runtime.threads or "onnxruntime's choice"
        return {
            "threads": threads, "variant": found.variant, "precision": found.precision, "runtime": runtime,
        }  # fmt: skip
    precision = str(format_named(plan.runtime.precision, torch.device(device))).removeprefix("torch.")
    return {
        "threads": torch.get_num_threads(), "variant": plan.network.config.variant, "precision": precision,
        "runtime": plan.runtime.runtime,
    }  # fmt: skip


def _record(found: Row) -> dict[str, object]:
    return {**asdict(found), "stages": {stage.name: stage.ms for stage in found.stages}}


def _text(found: Row) -> str:
    parts = [
        f"{found.name}, targets {found.targets}: {found.step_ms_p50:.2f} ms (p99 {found.step_ms_p99:.2f})",
        f"{found.frames_per_s:.1f} frames/s",
        f"{found.target_frames_per_s:.1f} target-frames/s",
        f"{found.memory_mib:.0f} MiB",
    ]
    if found.tflops is not None:
        parts.append(f"{found.tflops:.3f} TFLOP/s = {found.share_of_ceiling:.0%} of the matrix product")
    if found.speed_up is not None:
        parts.append(f"{found.speed_up:.2f} x the reference")
    return "\n".join([", ".join(parts), *(f"    {each.name:10} {each.ms:8.2f} ms" for each in found.stages)])
