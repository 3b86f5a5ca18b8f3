"""Run a tracker over a data set, write its results in the benchmark's own format, and score them.

  s2iammask eval --dataset DAVIS2016 --root DAVIS --weights FILE --protocol box
  s2iammask eval --dataset VOT2018 --root VOT2018 --snapshots runs/train --from 1 --to 20 --workers 2
  s2iammask eval --dataset boxes --root sequences
  s2iammask eval --dataset DAVIS2016 --root DAVIS --split held_out.txt --protocol box --starts 3 --reverse
  s2iammask eval --dataset DAVIS2016 --root DAVIS --split held_out.txt --protocol box --starts 3 --hide 3
  s2iammask eval --dataset stills --root stills --split held_out_stills.txt --protocol box

The data set `boxes` is a folder of OTB's and VOT's folders side by side: upright boxes, no restarts.
With --starts or --reverse each sequence is tracked from several frames, and means come with standard errors.
With --hide the objects are away for so many seconds in each run, by a cut to another sequence or behind an
occluder (--hide-by), and it says whether they are found again.
A run that was stopped goes on with the first sequence that has no results. `--weights identity` is a tracker
that never moves: it tries out a data set in a minute.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from s2iammask_core.cli.benchmarks import (
    add_data,
    add_hide,
    add_output,
    add_split,
    add_starts,
    add_step,
    chosen_data,
    show_report,
    show_table,
)
from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.cli.snapshots import exported, snapshots_between
from s2iammask_core.cli.workers import add_workers, chosen_workers, shared_cores
from s2iammask_core.errors import ConfigError
from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.benchmarks.named import open_benchmark, score
from s2iammask_core.evaluation.benchmarks.repeated import RepeatedBenchmark
from s2iammask_core.evaluation.factory import IdentityFactory, TrackerFactory, WeightsFactory
from s2iammask_core.evaluation.reports.record import Report
from s2iammask_core.evaluation.reports.tables import Table, all_figures, as_csv, as_markdown, as_object
from s2iammask_core.evaluation.reports.write import write_report
from s2iammask_core.evaluation.results.record import read_record
from s2iammask_core.evaluation.runner import Run, total_speed
from s2iammask_core.evaluation.runner import run as run_sequences
from s2iammask_core.files.davis import RESOLUTION
from s2iammask_core.files.outputs import keep_apart, set_aside, write_text
from s2iammask_core.runtime import weights_file

IDENTITY = "identity"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser, "--root", "the data set's root; of VOT also its json file")
    add_split(parser, "(default: val, or all)")
    add_step(parser)
    add_starts(parser)
    add_hide(parser)
    add_settings(parser)
    add_protocol(parser)
    parser.add_argument(
        "--snapshots", type=Path, metavar="DIR", help="score each snapshot of a training instead"
    )
    parser.add_argument(
        "--from", type=int, default=1, dest="first", metavar="N", help="first epoch (default: 1)"
    )
    parser.add_argument(
        "--to", type=int, default=20, dest="last", metavar="N", help="last epoch (default: 20)"
    )
    parser.add_argument(
        "--results", type=Path, metavar="DIR", help="where results go (default: runs/eval/...)"
    )
    parser.add_argument(
        "--against", type=Path, metavar="DIR", help="results of the same starts: says the gain on them"
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="begin anew even if there are results, which are kept beside in a folder with a number",
    )
    add_workers(parser)
    add_output(parser)


def add_protocol(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--protocol",
        choices=("mask", "box"),
        default="mask",
        help="what a data set with masks starts from: the first mask, or no more than the box around it",
    )


def run(args: argparse.Namespace) -> int:
    benchmark = open_benchmark(chosen_data(args))
    if args.against:
        _repeated(benchmark)
    results = args.results or default_results(args)
    if args.snapshots:
        _run_snapshots(args, benchmark, results)
        return 0
    report = _evaluated(args, benchmark, results, chosen_factory(args))
    show_report(args, report)
    return 0


def default_results(args: argparse.Namespace) -> Path:
    """A folder that says what ran on what."""
    tracker = args.snapshots.name if args.snapshots else weights_file(args.weights).stem
    suffix = "-box" if args.protocol == "box" else ""
    suffix += f"-every{args.every}" if args.every > 1 else ""
    suffix += f"-starts{args.starts}" if args.starts else ""
    suffix += "-reverse" if args.reverse else ""
    suffix += f"-hide{args.hide:g}-{args.hide_by}" if args.hide else ""
    return Path("runs/eval", args.dataset, tracker + suffix)


def chosen_factory(args: argparse.Namespace) -> TrackerFactory:
    if args.weights == IDENTITY:
        return IdentityFactory()
    return weights_factory(args, str(weights_file(args.weights)))


def weights_factory(args: argparse.Namespace, weights: str) -> WeightsFactory:
    """The recipe for the tracker."""
    config, runtime = chosen_settings(args)
    return WeightsFactory(weights, config=config, runtime=shared_cores(runtime, chosen_workers(args)))


def _evaluated(
    args: argparse.Namespace, benchmark: Benchmark, results: Path, factory: TrackerFactory
) -> Report:
    """Runs what has not run yet, scores it if there is a truth, and writes the report."""
    named = [
        args.root / "Annotations" / place / name for place in ("", RESOLUTION) for name in benchmark.names
    ]
    inputs = [args.root, *named, *(path for path in (args.boxes, args.frames, args.config) if path)]
    keep_apart({"the results folder": results}, inputs)
    if args.fresh and read_record(results):  # other folders are not ours to move
        set_aside(results)
    total = sum(benchmark.length(name) for name in benchmark.names)
    with tqdm(total=total, unit="frame", desc=results.name, file=sys.stderr) as bar:
        task = Run(benchmark, factory, results)
        run_sequences(task, chosen_workers(args), lambda name, frames: bar.update(frames))
    speed = total_speed(benchmark, results)
    report = score(benchmark, results) if benchmark.has_truth else _without_truth(benchmark, results)
    if args.against:
        report = _repeated(benchmark).compared(report, results, args.against)
    speeds = {"fps": speed.fps, "fps_with_decoding": speed.fps_with_decoding}
    report = replace(report, figures={**report.figures, **speeds})
    page = write_report(results / "report", report, benchmark, results)
    print(f"results in {results}, report in {page}", file=sys.stderr)
    return report


def _repeated(benchmark: Benchmark) -> RepeatedBenchmark:
    if not isinstance(benchmark, RepeatedBenchmark):
        raise ConfigError("--against compares run by run: give --starts too, as for the other results")
    return benchmark


def _without_truth(benchmark: Benchmark, results: Path) -> Report:
    return Report(benchmark.name, {}, (), notes=(f"no truth to score with; the results are in {results}",))


def _run_snapshots(args: argparse.Namespace, benchmark: Benchmark, results: Path) -> None:
    """One evaluation for each snapshot, and a table of all."""
    reports = {}
    for snapshot in snapshots_between(args.snapshots, args.first, args.last):
        with exported(snapshot) as weights:
            factory = replace(weights_factory(args, str(weights)), source=str(snapshot))
            reports[snapshot.stem] = _evaluated(args, benchmark, results / snapshot.stem, factory)
    rows = {name: all_figures(report) for name, report in reports.items()}
    names = tuple(next(iter(rows.values())))
    table = Table(
        ("snapshot", *names),
        tuple((name, *(row[figure] for figure in names)) for name, row in rows.items()),
    )
    write_text(results / "snapshots.csv", as_csv(table))
    write_text(results / "snapshots.md", as_markdown(table) + "\n")
    best = max(reports, key=lambda name: reports[name].figures.get(benchmark.objective, 0.0))
    if args.json:
        objects = {name: as_object(report) for name, report in reports.items()}
        print(json.dumps({"objective": benchmark.objective, "best": best, "snapshots": objects}))
        return
    show_table(args, table)
    print(f"best {benchmark.objective}: {best}")
