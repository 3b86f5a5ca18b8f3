"""Choosing by figures: the best of a training's snapshots (eval --snapshots), the best settings (tune)."""

import shutil
from dataclasses import asdict

import pytest
import torch
from command_lines import printed, words

from s2iammask_core.cli import main
from s2iammask_core.config import NetworkConfig, TrackerConfig
from s2iammask_core.files.yamls import read_yaml
from s2iammask_core.model import checkpoint
from s2iammask_core.model.network import build_network

pytest.importorskip("matplotlib")


@pytest.fixture
def clip(tmp_path, files):
    """Two frames with a box each, as a folder and as an OTB data set."""
    files.frames(tmp_path / "otb/clip/img", 2, size=(120, 90))
    files.rows(tmp_path / "otb/clip/groundtruth_rect.txt", [(40, 30, 30, 30)] * 2)
    return tmp_path / "otb/clip"


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "weights.safetensors"
    small = NetworkConfig("s2iammask", blocks=3, mask_detail=False, memory=False)
    checkpoint.save(build_network(small), path)
    return path


def test_snapshots_are_scored_one_by_one(tmp_path, clip, weights, capsys):
    train, results = tmp_path / "train", tmp_path / "results"
    train.mkdir()
    network, _ = checkpoint.load(weights)
    state = {"network": network.state_dict(), "config": asdict(network.config), "average": None}
    torch.save(state, train / "epoch_003.pt")
    for epoch in (4, 9):
        shutil.copy(weights, train / f"epoch_{epoch:03d}.safetensors")
    box = ["--boxes", clip / "groundtruth_rect.txt"]
    data = ["eval", "--dataset", "folder", "--root", clip / "img", *box, "--set", "precision=fp32"]
    which = ["--snapshots", train, "--from", 1, "--to", 5, "--results", results]

    assert main(words([*data, *which, "--json"])) == 0
    record = printed(capsys)
    assert main(words([*data, *which])) == 0

    assert list(record["snapshots"]) == ["epoch_003", "epoch_004"]
    assert record["best"] in record["snapshots"]
    assert "best auc: epoch_00" in capsys.readouterr().out
    assert (results / "snapshots.csv").read_text().count("\n") == 3


def test_a_search_writes_the_best_settings_and_that_it_was_on_test_data(tmp_path, clip, weights, capsys):
    pytest.importorskip("optuna")
    (tmp_path / "names.txt").write_text("clip\n")
    data = ["tune", "--dataset", "OTB", "--root", clip.parent, "--split", tmp_path / "names.txt", "--on-test"]
    what = ["--weights", weights, "--trials", 2, "--search", "penalty_k=0:0.2", "--out", tmp_path / "tune"]

    assert main(words([*data, *what, "--json"])) == 0
    record = printed(capsys)
    assert main(words([*data, *what])) == 0

    assert (record["trials"], record["objective"], record["on_test"]) == (2, "auc", ["clip"])
    assert "tuned on 1 sequences that figures are published on (--on-test)" in capsys.readouterr().out
    settings = TrackerConfig(**read_yaml(tmp_path / "tune/tune.yaml"))
    assert settings.penalty_k == record["settings"]["penalty_k"]
    assert "(--on-test)" in (tmp_path / "tune/tune.yaml").read_text()


def test_epochs_without_snapshots_are_an_error(tmp_path, davis, capsys):
    (tmp_path / "epoch_030.pt").write_bytes(b"")
    common = ["eval", "--dataset", "DAVIS2016", "--root", davis, "--snapshots", tmp_path]

    assert main(words([*common, "--results", tmp_path / "results"])) == 2

    assert "no snapshots of epochs 1 to 20; there are 30 to 30" in capsys.readouterr().err


@pytest.fixture
def tune(tmp_path, davis):
    def call(*more):
        return main(words(["tune", "--dataset", "DAVIS2016", "--root", davis, "--out", tmp_path, *more]))

    return call


def test_tuning_asks_for_a_split(tune, capsys):
    with pytest.raises(SystemExit):
        tune()

    assert "--split" in capsys.readouterr().err


def test_tuning_refuses_the_sequences_that_figures_are_published_on(tmp_path, tune, files, davis, capsys):
    files.davis(davis, ["camel"], frames=2)

    assert tune("--split", "val") == 2

    assert "1 of these sequences, such as camel, are for reporting" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("penalty_k=0", "--search takes NAME=LOW:HIGH"),
        ("penalty=0:1", "penalty is no setting that can be searched"),
        ("penalty_k=0:7", "the range of penalty_k must rise and lie in"),
        ("penalty_k=0.2:0.1", "the range of penalty_k must rise"),
    ],
)
def test_a_wrong_range_is_an_error(tune, capsys, search, message):
    assert tune("--split", "train", "--search", search) == 2

    assert message in capsys.readouterr().err


def test_a_search_of_no_trials_is_an_error(tune, capsys):
    assert tune("--split", "train", "--trials", "0") == 2

    assert "--trials" in capsys.readouterr().err
