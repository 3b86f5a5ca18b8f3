"""Search for good tracker settings on a data set.

  s2iammask tune --dataset DAVIS2016 --root DAVIS --split train --trials 100

Sequences that figures are published on are refused, unless --on-test says that it is meant; the report then
says so. A search that was stopped goes on, and several machines may share one through --storage.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import yaml
from tqdm import tqdm

from s2iammask_core.cli.benchmarks import add_data, add_output, add_split, add_starts, chosen_data, show_table
from s2iammask_core.cli.eval import add_protocol, weights_factory
from s2iammask_core.cli.settings import add_settings
from s2iammask_core.cli.workers import add_workers, chosen_workers
from s2iammask_core.errors import ConfigError, DatasetError, UnavailableError
from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.benchmarks.named import open_benchmark
from s2iammask_core.evaluation.reported import reported
from s2iammask_core.evaluation.reports.tables import Table
from s2iammask_core.evaluation.search import SPACE, Outcome, Search, Storage
from s2iammask_core.files.outputs import write_text
from s2iammask_core.runtime import weights_file
from s2iammask_core.spread import Workers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser, "--root", "the data set's root; of VOT also its json file")
    add_split(parser, "to tune on", required=True)
    add_starts(parser)
    add_settings(parser)
    add_protocol(parser)
    parser.add_argument(
        "--on-test", action="store_true", help="tune on sequences that figures are published on"
    )
    parser.add_argument(
        "--search", action="append", default=[], metavar="NAME=LOW:HIGH",
        help=f"a setting and its range; may be repeated (default: {', '.join(SPACE)})",
    )  # fmt: skip
    parser.add_argument(
        "--trials", type=int, default=100, metavar="N", help="of the whole search (default: 100)"
    )
    parser.add_argument("--study", default="tune", metavar="NAME", help="name of the search (default: tune)")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/tune"), metavar="DIR", help="default: runs/tune"
    )
    parser.add_argument("--storage", metavar="URL", help="database of trials (default: SQLite in --out)")
    add_workers(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    if args.trials < 1:
        raise ConfigError(f"--trials must be at least 1, got {args.trials}")
    task = _search(args)
    args.out.mkdir(parents=True, exist_ok=True)
    storage = Storage(args.storage or f"sqlite:///{args.out.resolve() / 'trials.db'}", args.study)
    outcome = _searched(task, storage, args.trials, chosen_workers(args))
    record = {**asdict(outcome), "dataset": task.benchmark.name, "on_test": list(task.on_test)}
    write_text(args.out / f"{args.study}.json", json.dumps(record, indent=2) + "\n")
    best = args.out / f"{args.study}.yaml"
    write_text(best, _heading(task, outcome) + yaml.safe_dump(outcome.best(task.base), sort_keys=False))
    print(f"best settings in {best}", file=sys.stderr)
    if args.json:
        print(json.dumps(record))
        return 0
    show_table(args, Table(("setting", "best"), tuple(outcome.settings.items())))
    print(_heading(task, outcome).replace("# ", "note: "), end="")
    return 0


def _search(args: argparse.Namespace) -> Search:
    benchmark = open_benchmark(chosen_data(args))
    if not benchmark.has_truth:
        raise DatasetError(f"this part of {benchmark.name} has no truth to tune on")
    factory = weights_factory(args, str(weights_file(args.weights)))
    return Search(benchmark, factory, factory.config, _space(args.search), _on_test(args, benchmark))


def _on_test(args: argparse.Namespace, benchmark: Benchmark) -> tuple[str, ...]:
    names = reported(benchmark, args.root)
    if names and not args.on_test:
        raise DatasetError(
            f"{len(names)} of these sequences, such as {names[0]}, are for reporting: tuning on them makes "
            "every figure on them worthless. Give another --split, or --on-test if that is what you want"
        )
    return names


def _space(texts: list[str]) -> dict[str, tuple[float, float]]:
    space = {}
    for text in texts:
        name, _, limits = text.partition("=")
        low, _, high = limits.partition(":")
        try:
            space[name.strip()] = float(low), float(high)
        except ValueError as error:
            raise ConfigError(f"--search takes NAME=LOW:HIGH, got {text!r}") from error
    return space or dict(SPACE)


def _searched(task: Search, storage: Storage, trials: int, workers: Workers) -> Outcome:
    try:
        from s2iammask_core.evaluation import tuning
    except ImportError as error:
        raise UnavailableError("tuning needs optuna: pip install optuna") from error
    with tqdm(total=trials, unit="trial", file=sys.stderr) as bar:
        tuning.search(task, storage, trials, workers, lambda done: bar.update(done - bar.n))
    return tuning.outcome(task, storage)


def _heading(task: Search, outcome: Outcome) -> str:
    """What must be known about the settings, as comments."""
    count = len(task.benchmark.names)
    lines = [
        f"{outcome.objective} {outcome.value:.3f} on {count} sequences of {task.benchmark.name}, "
        f"best of {outcome.trials} trials ({outcome.pruned} cut short)"
    ]
    if task.on_test:
        lines.append(f"tuned on {len(task.on_test)} sequences that figures are published on (--on-test)")
    return "".join(f"# {line}\n" for line in lines)
