"""Variants of a tracker, measured one after the other on one data set."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2iammask_core.config import Checked, TrackerConfig, from_mapping, setting
from s2iammask_core.errors import ConfigError, ResultsError
from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.benchmarks.named import score
from s2iammask_core.evaluation.factory import TrackerFactory
from s2iammask_core.evaluation.runner import Progress, Run, run, total_speed
from s2iammask_core.files.outputs import growing_file
from s2iammask_core.files.yamls import read_yaml
from s2iammask_core.spread import Workers

FIGURES = "figures.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One variant."""

    name: str
    weights: str  # empty: the usual ones
    settings: Mapping[str, Any]  # of the tracker

    @property
    def folder(self) -> str:
        """What its results are called."""
        return re.sub(r"[^\w.()-]+", "_", self.name)


@dataclass(frozen=True)
class Ablation(Checked):
    """A table to be filled."""

    rows: tuple[Row, ...]
    every: int = setting(1, "looks at every n-th frame alone", 1, 1000)
    sequences: tuple[str, ...] = setting((), "names of the sequences; empty: all")


def read_ablation(path: Path) -> Ablation:
    """The table that a YAML file asks for; ConfigError for what does not exist."""
    values = read_yaml(path)
    rows = values.get("rows")
    if not isinstance(rows, Mapping) or not rows:
        raise ConfigError(f"{path} must hold `rows`: names with `weights` and `set`")
    made = {**values, "rows": tuple(_row(path, str(name), given or {}) for name, given in rows.items())}
    names = values.get("sequences") or []
    if not isinstance(names, list):
        raise ConfigError(f"{path}: `sequences` is a list of names, got {names!r}")
    return from_mapping(Ablation, {**made, "sequences": tuple(map(str, names))})


def _row(path: Path, name: str, given: Any) -> Row:
    if not isinstance(given, Mapping) or given.keys() - {"weights", "set"}:
        raise ConfigError(f"{path}: {name} takes `weights` and `set`, got {given!r}")
    settings = given.get("set") or {}
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{path}: `set` of {name} holds names and values, got {settings!r}")
    from_mapping(TrackerConfig, settings)
    return Row(name, str(given.get("weights") or ""), settings)


@dataclass(frozen=True, slots=True)
class Variant:
    """One tracker on a data set, and the folder of its results."""

    benchmark: Benchmark
    factory: TrackerFactory
    results: Path

    def figures(self, workers: Workers, progress: Progress) -> Mapping[str, float]:
        """Runs what has not run yet and scores it; what was scored before is read."""
        run(Run(self.benchmark, self.factory, self.results), workers, progress)
        known = self._known()
        if known is not None:
            return known
        speed = total_speed(self.benchmark, self.results).fps
        figures = {**score(self.benchmark, self.results).figures, "fps": speed}
        with growing_file(self.results / FIGURES) as file:
            file.write(json.dumps({"sequences": list(self.benchmark.names), "figures": figures}))
        return figures

    def _known(self) -> Mapping[str, float] | None:
        """What was scored before, of the same sequences."""
        path = self.results / FIGURES
        if not path.is_file():
            return None
        try:
            kept = json.loads(path.read_text())
            figures = {str(name): float(value) for name, value in kept["figures"].items()}
            return figures if kept["sequences"] == list(self.benchmark.names) else None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ResultsError(f"{path} is broken: {error}; delete it, and it is made again") from error
