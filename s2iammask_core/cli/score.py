"""Score result files: VOT, DAVIS, YouTube-VOS, OTB.

s2iammask score --dataset VOT2018 --truth VOT2018.json --results SiamMask
s2iammask score --dataset DAVIS2016 --truth DAVIS --results masks --report report
"""

import argparse
import sys
from pathlib import Path

from s2iammask_core.cli.benchmarks import add_data, add_output, add_split, chosen_data, show_report
from s2iammask_core.errors import ResultsError
from s2iammask_core.evaluation.benchmarks.named import open_benchmark, score
from s2iammask_core.files.outputs import keep_apart


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser, "--truth", "the data set's root; of VOT also its json file")
    parser.add_argument(
        "--results", type=Path, required=True, metavar="DIR", help="the tracker's result files"
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="write a page, plots and tables there")
    add_split(parser, "(default: val, or all)")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    if not args.results.is_dir():
        raise ResultsError(f"there is no folder {args.results}")
    keep_apart({"--report": args.report}, [args.root, args.results])
    benchmark = open_benchmark(chosen_data(args))
    report = score(benchmark, args.results)
    if args.report:
        from s2iammask_core.evaluation.reports.write import (
            write_report,
        )  # needs no plotting library until here

        page = write_report(args.report, report, benchmark, args.results)
        print(f"wrote {page}", file=sys.stderr)
    show_report(args, report)
    return 0
