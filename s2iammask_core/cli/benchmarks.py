"""Options of the commands that score, run and tune on data sets."""

import argparse
import json
from pathlib import Path
from typing import get_args

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.benchmarks.named import BENCHMARKS, Choice
from s2iammask_core.evaluation.hidden import HideBy
from s2iammask_core.evaluation.reports.record import Report
from s2iammask_core.evaluation.reports.tables import (
    Table,
    as_csv,
    as_markdown,
    as_object,
    as_text,
    figures_table,
    rows_table,
    runs_table,
)
from s2iammask_core.evaluation.sequences.regions import Rectangles
from s2iammask_core.evaluation.sequences.starts import Starts
from s2iammask_core.evaluation.vot import INTERVALS

FORMATS = {"text": as_text, "markdown": as_markdown, "csv": as_csv}


def add_data(parser: argparse.ArgumentParser, root_flag: str, root_help: str) -> None:
    """Adds what chooses a data set; the flag of its root differs between commands."""
    parser.add_argument("--dataset", required=True, choices=tuple(BENCHMARKS), help="the data set")
    parser.add_argument(root_flag, dest="root", type=Path, required=True, metavar="PATH", help=root_help)
    parser.add_argument("--frames", type=Path, metavar="DIR", help="folder of a VOT json file's images")
    parser.add_argument("--boxes", type=Path, metavar="FILE", help="of folder: x,y,w,h in one line or each")
    parser.add_argument(
        "--interval",
        metavar="LOW,HIGH",
        help="sequence lengths of the expected average overlap; `toolkit` for VOT2016's own 108,371",
    )
    parser.add_argument(
        "--rectangles",
        choices=[each.value for each in Rectangles],
        default=Rectangles.TOOLKIT.value,
        help="VOT regions of 4 numbers cover width x height pixels, or with pysot one more each way",
    )


def add_split(parser: argparse.ArgumentParser, default: str, required: bool = False) -> None:
    parser.add_argument(
        "--split",
        default="",
        required=required,
        metavar="NAME",
        help=f"text file with names of sequences, or for DAVIS a list of ImageSets {default}",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Adds --json and --format."""
    parser.add_argument("--json", action="store_true", help="print one json object")
    parser.add_argument("--format", choices=tuple(FORMATS), default="text", help="of the printed tables")


def chosen_data(args: argparse.Namespace) -> Choice:
    """The data set of a parsed command line."""
    return Choice(
        name=args.dataset,
        root=args.root,
        frames=args.frames,
        boxes=args.boxes,
        split=args.split,
        start_from=getattr(args, "protocol", "mask"),
        interval=_interval(args),
        rectangles=Rectangles(args.rectangles),
        step=_step(args),
        starts=chosen_starts(args),
        hide=getattr(args, "hide", None),
        hide_by=getattr(args, "hide_by", "cut"),
    )


def add_step(parser: argparse.ArgumentParser) -> None:
    """Adds --every."""
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="look at every N-th frame alone, for quick trials"
    )


def add_starts(parser: argparse.ArgumentParser) -> None:
    """Adds --starts and --reverse."""
    parser.add_argument(
        "--starts", type=int, metavar="N",
        help="track from N frames of each sequence, evenly spread, the first among them",
    )  # fmt: skip
    parser.add_argument(
        "--reverse", action="store_true", help="track the sequences backwards in time as well"
    )


def add_hide(parser: argparse.ArgumentParser) -> None:
    """Adds --hide and --hide-by."""
    parser.add_argument(
        "--hide", type=float, metavar="SECONDS",
        help="hide the objects for so long in the middle of each run: are they found when they are back?",
    )  # fmt: skip
    parser.add_argument(
        "--hide-by", choices=get_args(HideBy), default="cut",
        help="a cut to another sequence, or a piece of it in front of the object while the picture stands",
    )  # fmt: skip


def chosen_starts(args: argparse.Namespace) -> Starts | None:
    """None where a benchmark's own protocol is asked for."""
    count, reverse = getattr(args, "starts", None), getattr(args, "reverse", False)
    return None if count is None and not reverse else Starts(1 if count is None else count, reverse)


def _step(args: argparse.Namespace) -> int:
    step: int = getattr(args, "every", 1)
    if step < 1:
        raise DatasetError(f"--every must be 1 or more, got {step}")
    return step


def _interval(args: argparse.Namespace) -> tuple[int, int] | None:
    if args.interval is None:
        return None
    if args.interval == "toolkit":
        return INTERVALS.get(f"{args.dataset}-toolkit", INTERVALS.get(args.dataset))
    try:
        low, high = (int(part) for part in args.interval.split(","))
    except ValueError as error:
        raise DatasetError(f"--interval takes LOW,HIGH or `toolkit`, got {args.interval!r}") from error
    if not 1 <= low <= high:
        raise DatasetError(f"--interval must rise from 1 or more, got {args.interval}")
    return low, high


def show_report(args: argparse.Namespace, report: Report) -> None:
    """Prints a report in the form that was asked for."""
    if args.json:
        print(json.dumps(as_object(report)))
        return
    show_table(args, figures_table(report))
    print()
    show_table(args, rows_table(report))
    if report.runs:
        print()
        show_table(args, runs_table(report))
    for note in report.notes:
        print(f"note: {note}")


def show_table(args: argparse.Namespace, table: Table) -> None:
    print(FORMATS[args.format](table))
