"""Evaluates variants of a tracker on one data set and prints them side by side.

  s2iammask ablate config/ablation.yaml --dataset DAVIS2016 --root DAVIS --protocol box

The YAML file maps each row's name under `rows` to `weights` (a file or a snapshot; default: --weights, or
those of the package) and `set`, tracker settings. `every: 3` looks at every third frame alone, `sequences`
names those to run; the table says so. A row whose weights are not there is shown as not measured. A run that
was stopped goes on where it stopped, and rows that are measured are not measured again.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from s2iammask_core.cli.benchmarks import (
    add_data,
    add_output,
    add_split,
    add_starts,
    add_step,
    chosen_data,
    show_table,
)
from s2iammask_core.cli.eval import add_protocol, weights_factory
from s2iammask_core.cli.settings import add_settings
from s2iammask_core.cli.snapshots import exported
from s2iammask_core.cli.workers import add_workers, chosen_workers
from s2iammask_core.errors import ConfigError
from s2iammask_core.evaluation.ablation import Ablation, Row, Variant, read_ablation
from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.benchmarks.named import open_benchmark
from s2iammask_core.evaluation.reports.tables import Table, as_markdown, nullable
from s2iammask_core.files.outputs import write_text
from s2iammask_core.runtime import weights_file
from s2iammask_core.spread import session

NOT_MEASURED = "not measured"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rows", type=Path, metavar="YAML", help="the variants, by name")
    add_data(parser, "--root", "the data set's root")
    add_split(parser, "(default: val, or all)")
    add_step(parser)
    add_starts(parser)
    add_settings(parser)
    add_protocol(parser)
    parser.add_argument(
        "--results", type=Path, default=Path("runs/ablation"), metavar="DIR", help="where results go"
    )
    add_workers(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    ablation = read_ablation(args.rows)
    benchmark = chosen_benchmark(args, ablation)
    found: dict[str, Mapping[str, float] | None] = {}
    with session(chosen_workers(args)):  # one for all rows
        for row in ablation.rows:
            found[row.name] = _figures(args, benchmark, row)
            write_table(args.results, table(found), benchmark)
    if not any(found.values()):
        raise ConfigError(f"no row of {args.rows} has weights that exist")
    if args.json:
        print(json.dumps({name: figures and nullable(figures) for name, figures in found.items()}))
    else:
        show_table(args, table(found))
    return 0


def chosen_benchmark(args: argparse.Namespace, ablation: Ablation) -> Benchmark:
    """The data set, or the part of it that the file asks for; --every wins over the file."""
    step = args.every if args.every != 1 else ablation.every
    benchmark = open_benchmark(replace(chosen_data(args), step=step))
    return benchmark.only(ablation.sequences) if ablation.sequences else benchmark


def _figures(args: argparse.Namespace, benchmark: Benchmark, row: Row) -> Mapping[str, float] | None:
    """None for a row without weights."""
    source = weights_file(row.weights or args.weights)
    if not source.exists():
        print(f"{row.name}: {NOT_MEASURED}, there is no {source}", file=sys.stderr)
        return None
    total = sum(benchmark.length(name) for name in benchmark.names)
    bar = tqdm(total=total, unit="frame", desc=row.name, file=sys.stderr)
    with bar, exported(source) as weights:
        factory = replace(weights_factory(args, str(weights)), source=str(source))
        factory = replace(factory, config=replace(factory.config, **row.settings))
        variant = Variant(benchmark, factory, args.results / row.folder)
        return variant.figures(chosen_workers(args), lambda name, frames: bar.update(frames))


def table(found: Mapping[str, Mapping[str, float] | None]) -> Table:
    """A line for each row, whether it was measured or not."""
    names = next((tuple(figures) for figures in found.values() if figures), ("figures",))
    return Table(("variant", *names), tuple(_line(name, figures, names) for name, figures in found.items()))


def _line(name: str, figures: Mapping[str, float] | None, names: Sequence[str]) -> tuple[str | float, ...]:
    if figures is None:
        return (name, NOT_MEASURED, *[math.nan] * (len(names) - 1))
    return (name, *(figures[each] for each in names))


def write_table(results: Path, made: Table, benchmark: Benchmark) -> None:
    """Writes ablation.md, with what was run."""
    about = f"{benchmark.name}, {benchmark.protocol}; {len(benchmark.names)} sequences."
    results.mkdir(parents=True, exist_ok=True)
    write_text(results / "ablation.md", f"{about}\n\n{as_markdown(made)}\n")
