"""Say what this machine has for tracking, and how each way of running the network does here.

Each way runs in a process of its own: whether its answers are the network's, how long it takes to start, a
step for one and for four targets on frames of 854x480, and the memory of the process. The text belongs into a
report of a problem; it names no folder of yours.
"""

import argparse
import json
from dataclasses import asdict
from itertools import zip_longest

from s2iammask_core.bench.check import Finding, findings, machine, taken
from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.errors import ConfigError
from s2iammask_core.runtime.weights import checked_weights, forms_of

NOTHING = 1  # exit code where no way works
HEAD = ("runtime", "device", "agrees", "start-up", "1 target p50 (p99)", "4 targets p50 (p99)", "memory")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    parser.add_argument("--frames", type=int, default=30, help="frames to measure (default: 30)")
    parser.add_argument("--json", action="store_true", help="print the result as one json object")


def run(args: argparse.Namespace) -> int:
    if args.frames < 1:
        raise ConfigError(f"--frames must be at least 1, got {args.frames}")
    _, runtime = chosen_settings(args)
    weights = forms_of(checked_weights(args.weights))
    here = machine()
    found = list(findings(weights, runtime, args.frames))
    best = taken(found)
    if args.json:
        print(json.dumps(_record(here, weights.path.stem, found, best)))
    else:
        print(
            "\n".join(
                [*_machine_text(here), "", f"weights {weights.path.stem}", *_table(found), _verdict(best)]
            )
        )
    return 0 if best else NOTHING


def _record(
    here: dict[str, str], weights: str, found: list[Finding], best: Finding | None
) -> dict[str, object]:
    auto = {"runtime": best.runtime, "device": best.figures.device} if best else None
    return {"machine": here, "weights": weights, "ways": [asdict(each) for each in found], "auto": auto}


def _machine_text(here: dict[str, str]) -> list[str]:
    width = max(map(len, here))
    return [f"{name:{width}}  {text}" for name, text in here.items()]


def _table(found: list[Finding]) -> list[str]:
    """A line for each way; a reason takes the place of figures."""
    good = [_cells(each) for each in found if not each.figures.reason]
    names = [(each.runtime, each.device) for each in found]
    widths = [max(map(len, column)) for column in zip_longest(HEAD, *names, *good, fillvalue="")]
    rows = [HEAD, *(_said(each) if each.figures.reason else _cells(each) for each in found)]
    lines = ["  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=False)) for row in rows]
    return [line.rstrip() for line in lines]


def _said(found: Finding) -> tuple[str, ...]:
    return (found.runtime, found.device, f"no: {found.figures.reason}")


def _cells(found: Finding) -> tuple[str, ...]:
    figures = found.figures
    agrees = "not known" if figures.agreement is None else f"yes, IoU {figures.agreement:.2f}"
    steps = [f"{step.p50:.1f} ({step.p99:.1f}) ms" for step in figures.steps]
    memory = f"{figures.memory_mib:.0f} MiB"
    return (found.runtime, found.device, agrees, f"{figures.start_up:.1f} s", *steps, memory)


def _verdict(best: Finding | None) -> str:
    if best is None:
        return "no way works: the reasons are above"
    return f"runtime auto takes {best.runtime} on {best.figures.device}"
