"""Evaluation and search on Ray."""

import json
import re
from dataclasses import dataclass, replace

import pytest

from s2iammask_core.cli import main
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

    source: str = ""
    config: TrackerConfig = TrackerConfig()

    def configured(self, config):
        return replace(self, config=config)

    def make(self):
        return IdentityFactory().make()

    def describe(self):
        return {"penalty_k": self.config.penalty_k}


@pytest.mark.usefixtures("travels")
def test_trials_are_shared_out_and_kept_in_one_study(cluster, davis, tmp_path):
    tuning = pytest.importorskip("s2iammask_core.evaluation.tuning")
    benchmark = open_benchmark(Choice("DAVIS2017", davis))
    task = Search(benchmark, AnyFactory(), TrackerConfig(), {"penalty_k": (0.0, 0.2)})
    storage, seen = Storage(f"sqlite:///{tmp_path / 'trials.db'}", "test"), []

    tuning.search(task, storage, 5, Workers(2), seen.append)

    assert seen[-1] == tuning.outcome(task, storage).trials == 5


@pytest.fixture
def command(monkeypatch, davis, capsys):
    """Runs a command beside its data; the printed object, without what depends on time."""
    for name in ("ablate", "tune"):
        module = pytest.importorskip(f"s2iammask_core.cli.{name}")
        monkeypatch.setattr(module, "weights_factory", lambda args, weights: AnyFactory())
    monkeypatch.chdir(davis.parent)

    def call(*arguments):
        data = ["--dataset", "DAVIS2017", "--root", davis.name, "--split", "val", "--json"]
        assert main([*arguments, *data]) == 0
        return json.loads(re.sub(r', "fps": [\d.]+', "", capsys.readouterr().out))

    return call


@pytest.mark.usefixtures("travels")
def test_an_ablation_does_not_depend_on_the_number_of_workers(cluster, tmp_path, command):
    (tmp_path / "rows.yaml").write_text("rows: {usual: {}, other: {set: {penalty_k: 0.1}}}")

    here, there = (command("ablate", "rows.yaml", "--workers", n, "--results", f"on{n}") for n in ("0", "2"))

    assert list(here) == ["usual", "other"]
    assert here == there
    assert (tmp_path / "on2/other").is_dir()


@pytest.mark.usefixtures("travels")
def test_settings_are_searched_on_a_cluster(cluster, tmp_path, command):
    pytest.importorskip("optuna")
    what = ["--on-test", "--trials", "3", "--search", "penalty_k=0:0.2", "--out", "found"]

    record = command("tune", *what, "--workers", "2", "--address", cluster.address)

    assert (record["trials"], record["dataset"]) == (3, "DAVIS2017")
    assert 0 <= record["settings"]["penalty_k"] <= 0.2
    assert (tmp_path / "found/tune.yaml").is_file()
