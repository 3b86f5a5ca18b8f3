"""The search with Optuna: resumable, on several machines at once, and never unawares on test data."""

import json
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import optuna
from optuna.trial import TrialState

from s2iammask_core.config import TrackerConfig
from s2iammask_core.errors import ConfigError, DatasetError
from s2iammask_core.evaluation.runner import Run
from s2iammask_core.evaluation.search import Outcome, Search, Storage
from s2iammask_core.spread import Failed, Tick, Workers, session, spread

WARM_UP_TRIALS = 5  # trials that are never cut short
MARK = "search"  # user attribute of a trial
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def search(
    task: Search,
    storage: Storage,
    trials: int,
    workers: Workers,
    done: Callable[[int], None] = lambda _: None,
) -> None:
    """Goes on until the study has so many finished trials; done gets their number after each."""
    running = Running(opened(task, storage), trials)
    with session(workers):
        for outcome in spread(TrialWork(task, storage, running.mark), running.seeds(), workers):
            if isinstance(outcome, Failed):
                raise outcome.error
            done(len(running.finished))


@dataclass
class Running:
    """The trials of this search; those of others that share the study count too."""

    study: optuna.Study
    wanted: int
    mark: str = field(default_factory=lambda: uuid4().hex)  # of the trials that this search hands out

    @property
    def finished(self) -> list[optuna.trial.FrozenTrial]:
        return self.study.get_trials(states=FINISHED)

    def seeds(self) -> Iterator[int]:
        """One for each trial that is still to be made; other ones when the search goes on."""
        known = len(self.study.get_trials())
        for handed_out in count():
            others = [trial for trial in self.finished if trial.user_attrs.get(MARK) != self.mark]
            if len(others) + handed_out >= self.wanted:
                return
            yield known + handed_out


@dataclass(frozen=True, slots=True)
class TrialWork:
    """The recipe of a worker that makes trials, each with a seed."""

    task: Search
    storage: Storage
    mark: str

    def __call__(self) -> Callable[[int, Tick], None]:
        study = _study(self.task, self.storage)

        def value(trial: optuna.Trial) -> float:
            trial.set_user_attr(MARK, self.mark)
            return _value(self.task, trial)

        def work(seed: int, _: Tick) -> None:
            study.sampler = optuna.samplers.TPESampler(seed=seed)
            study.optimize(value, n_trials=1)

        return work


def opened(task: Search, storage: Storage) -> optuna.Study:
    """The study, made if it is not there; ConfigError if it is of another search."""
    study = _study(task, storage)
    described = json.loads(json.dumps(task.describe()))
    known = study.user_attrs.get("search")
    if known is None:
        study.set_user_attr("search", described)
    elif known != described:
        differing = ", ".join(name for name in described if known.get(name) != described[name])
        raise ConfigError(
            f"study {storage.study!r} has another {differing}; choose another name for the study"
        )
    return study


def _study(task: Search, storage: Storage) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        database = optuna.storages.RDBStorage(storage.url)
    except Exception as error:  # each database's driver has its own
        raise ConfigError(f"cannot open the storage {storage.url}: {error}") from error
    steps = max(len(task.benchmark.names) // 4, 1)
    study: optuna.Study = optuna.create_study(
        storage=database,
        study_name=storage.study,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(WARM_UP_TRIALS, n_warmup_steps=steps),
    )
    return study


def _value(task: Search, trial: optuna.Trial) -> float:
    """The objective over all sequences; hopeless settings are given up after some of them."""
    benchmark, objective = task.benchmark, task.benchmark.objective
    factory = task.factory.configured(replace(task.base, **_suggested(task, trial)))
    tracker = factory.make()
    parts: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        run = Run(benchmark, factory, Path(folder))
        for step, name in enumerate(benchmark.names):
            run.sequence(name, tracker)
            parts.append(benchmark.only([name]).score(run.results).figures[objective])
            known = [part for part in parts if not math.isnan(part)]  # a short one has no expected overlap
            if known:
                trial.report(sum(known) / len(known), step)
                if step < len(benchmark.names) - 1 and trial.should_prune():
                    raise optuna.TrialPruned
        value = benchmark.score(run.results).figures[objective]
    if math.isnan(value):
        raise DatasetError(f"the tuning split is too small: {objective} has no value on it")
    return value


def _suggested(task: Search, trial: optuna.Trial) -> dict[str, Any]:
    whole = {each.name for each in fields(TrackerConfig) if isinstance(each.default, int)}
    return {
        name: trial.suggest_int(name, int(low), int(high))
        if name in whole
        else trial.suggest_float(name, low, high)
        for name, (low, high) in task.space.items()
    }


def outcome(task: Search, storage: Storage) -> Outcome:
    """The best of all trials so far."""
    study = opened(task, storage)
    pruned = len(study.get_trials(states=(TrialState.PRUNED,)))
    best = study.best_trial
    trials = len(study.get_trials(states=FINISHED))
    return Outcome(task.benchmark.objective, float(best.value or 0.0), dict(best.params), trials, pruned)
