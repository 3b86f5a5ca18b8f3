"""What is searched for in tracker settings, on what, and what was found."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from s2iammask_core.config import TrackerConfig
from s2iammask_core.errors import ConfigError
from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.factory import ConfigurableFactory

Space = Mapping[str, tuple[float, float]]  # lowest and highest value of each setting

SPACE: Space = {
    "penalty_k": (0.0, 0.25),
    "window_influence": (0.1, 0.6),
    "size_rate": (0.1, 1.0),
    "mask_threshold": (0.1, 0.7),
    "vote_fraction": (0.3, 0.9),
    "temporal_weight": (0.0, 0.9),
}


@dataclass(frozen=True, slots=True)
class Search:
    """What to search, and on what."""

    benchmark: Benchmark  # the tuning split alone
    factory: ConfigurableFactory
    base: TrackerConfig  # the settings that are not searched
    space: Space
    on_test: tuple[str, ...] = ()  # sequences of it that figures are published on

    def __post_init__(self) -> None:
        known = {each.name: each.metadata for each in fields(TrackerConfig)}
        for name, (low, high) in self.space.items():
            if name not in known or known[name]["low"] is None:
                raise ConfigError(f"{name} is no setting that can be searched")
            if not known[name]["low"] <= low < high <= known[name]["high"]:
                limits = known[name]["low"], known[name]["high"]
                raise ConfigError(f"the range of {name} must rise and lie in {limits}, got {low}:{high}")

    def describe(self) -> dict[str, object]:
        """What trials must have in common to be of one study."""
        return {
            "dataset": self.benchmark.name,
            "protocol": self.benchmark.protocol,
            "sequences": list(self.benchmark.names),
            "data": [self.benchmark.digest(name) for name in self.benchmark.names],
            "space": {name: list(limits) for name, limits in self.space.items()},
            "on_test": list(self.on_test),
            **self.factory.configured(self.base).describe(),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search found."""

    objective: str
    value: float
    settings: dict[str, Any]  # those that were searched
    trials: int
    pruned: int

    def best(self, base: TrackerConfig) -> dict[str, Any]:
        """All settings of the best trial, for a YAML file."""
        return asdict(replace(base, **self.settings))


@dataclass(frozen=True, slots=True)
class Storage:
    """Where trials are kept: processes that name the same study share it."""

    url: str  # of any database that Optuna knows
    study: str
