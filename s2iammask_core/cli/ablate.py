"""Evaluates variants of a tracker on one data set and prints them side by side.

  s2iammask ablate config/ablation.yaml --dataset DAVIS2016 --root DAVIS --protocol box

The YAML file maps each row's name to `weights` (default: those of the package) and `set`, tracker settings.
Rows whose weights do not exist are named and left out. A run that was stopped goes on where it stopped.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from s2iammask_core.cli.benchmarks import add_data, add_output, add_split, chosen_data, show_table
from s2iammask_core.cli.eval import add_protocol, add_workers, chosen_workers, weights_factory
from s2iammask_core.cli.settings import add_settings
from s2iammask_core.config import TrackerConfig, from_mapping, read_yaml
from s2iammask_core.errors import ConfigError
from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.benchmarks.named import open_benchmark, score
from s2iammask_core.evaluation.factory import TrackerFactory
from s2iammask_core.evaluation.reports.tables import Table, as_markdown
from s2iammask_core.evaluation.runner import Run, Workers, total_speed
from s2iammask_core.evaluation.runner import run as run_sequences
from s2iammask_core.runtime import default_weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rows", type=Path, metavar="YAML", help="the variants, by name")
    add_data(parser, "--root", "the data set's root")
    add_split(parser, "(default: val, or all)")
    add_settings(parser)
    add_protocol(parser)
    parser.add_argument(
        "--results", type=Path, default=Path("runs/ablation"), metavar="DIR", help="where results go"
    )
    add_workers(parser)
    add_output(parser)


@dataclass(frozen=True, slots=True)
class Row:
    """One variant."""

    name: str
    weights: str
    settings: Mapping[str, Any]


def run(args: argparse.Namespace) -> int:
    benchmark = open_benchmark(chosen_data(args))
    rows = read_rows(args.rows)
    present = [row for row in rows if Path(row.weights).is_file()]
    for row in rows:
        if row not in present:
            print(f"left out: {row.name}, there is no {row.weights}", file=sys.stderr)
    found = {row.name: _figures(args, benchmark, row) for row in present}
    if not found:
        raise ConfigError(f"no row of {args.rows} has weights that exist")
    names = tuple(next(iter(found.values())))
    cells = tuple(_cells(name, found[name], names) for name in found)
    table = Table(("variant", *names), cells)
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / "ablation.md").write_text(as_markdown(table) + "\n")
    if args.json:
        print(json.dumps(found))
    else:
        show_table(args, table)
    return 0


def _cells(name: str, figures: Mapping[str, float], names: tuple[str, ...]) -> tuple[str | float, ...]:
    return (name, *(figures[each] for each in names))


def read_rows(path: Path) -> list[Row]:
    """The variants in a YAML file; ConfigError for a setting that does not exist."""
    rows = []
    for name, values in read_yaml(path).items():
        given = values or {}
        if not isinstance(given, Mapping) or given.keys() - {"weights", "set"}:
            raise ConfigError(f"{path}: {name} takes `weights` and `set`, got {values!r}")
        settings = given.get("set") or {}
        from_mapping(TrackerConfig, settings)
        rows.append(Row(str(name), str(given.get("weights") or default_weights()), settings))
    return rows


def _figures(args: argparse.Namespace, benchmark: Benchmark, row: Row) -> dict[str, float]:
    factory = weights_factory(args, row.weights)
    factory = replace(factory, config=replace(factory.config, **row.settings))
    results = args.results / row.name.replace("/", "-").replace(" ", "_")
    _run(benchmark, factory, results, chosen_workers(args))
    return {**score(benchmark, results).figures, "fps": total_speed(benchmark, results).fps}


def _run(benchmark: Benchmark, factory: TrackerFactory, results: Path, workers: Workers) -> None:
    total = sum(benchmark.length(name) for name in benchmark.names)
    with tqdm(total=total, unit="frame", desc=results.name, file=sys.stderr) as bar:
        run_sequences(Run(benchmark, factory, results), workers, lambda name, frames: bar.update(frames))
