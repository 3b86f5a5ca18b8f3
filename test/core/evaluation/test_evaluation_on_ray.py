"""Evaluation and search on Ray."""

from dataclasses import dataclass

import pytest

from s2iammask_core.config import TrackerConfig
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark
from s2iammask_core.evaluation.factory import IdentityFactory
from s2iammask_core.evaluation.runner import Run, run
from s2iammask_core.evaluation.search import Search, Storage
from s2iammask_core.spread import Workers


@pytest.fixture
def davis(files, tmp_path):
    return files.davis(tmp_path / "davis", ["a", "b", "c"], frames=4)


def contents(folder):
    paths = [path for path in folder.rglob("*") if path.is_file() and "speed" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_results_do_not_depend_on_the_number_of_workers(cluster, davis, tmp_path):
    benchmark, seen = open_benchmark(Choice("DAVIS2017", davis)), []

    for count in (0, 2):
        task = Run(benchmark, IdentityFactory(), tmp_path / str(count))
        run(task, Workers(count), lambda name, frames: seen.append(name))

    assert contents(tmp_path / "0") == contents(tmp_path / "2")
    assert sorted(seen) == ["a", "a", "b", "b", "c", "c"]


@dataclass(frozen=True)
class AnyFactory:
    """The tracker that never moves, whatever the settings."""

    def configured(self, config):
        return IdentityFactory()


@pytest.mark.usefixtures("travels")
def test_trials_are_shared_out_and_kept_in_one_study(cluster, davis, tmp_path):
    tuning = pytest.importorskip("s2iammask_core.evaluation.tuning")
    benchmark = open_benchmark(Choice("DAVIS2017", davis))
    task = Search(benchmark, AnyFactory(), TrackerConfig(), {"penalty_k": (0.0, 0.2)})
    storage, seen = Storage(f"sqlite:///{tmp_path / 'trials.db'}", "test"), []

    tuning.search(task, storage, 5, Workers(2), seen.append)

    assert seen[-1] == tuning.outcome(task, storage).trials == 5
