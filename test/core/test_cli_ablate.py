"""The rows of an ablation, and the table that they fill."""

import json
from pathlib import Path

import pytest
import torch

from s2iammask_core.cli import main
from s2iammask_core.config import NetworkConfig
from s2iammask_core.errors import ConfigError
from s2iammask_core.evaluation.ablation import read_ablation
from s2iammask_core.files.pictures import write_picture
from s2iammask_core.model import checkpoint
from s2iammask_core.model.network import build_network

CONFIG = Path(__file__).resolve().parents[2] / "config"


def test_the_shipped_rows_are_those_of_the_methods_claim():
    tracked, trained = (read_ablation(CONFIG / name) for name in ("ablation.yaml", "ablation_short.yaml"))

    settings = [dict(row.settings) for row in tracked.rows]
    assert [each["proposals"] for each in settings if "proposals" in each] == [1, 5, 50]
    assert {"temporal_weight": 0.0} in settings
    assert not any(row.weights for row in tracked.rows)
    assert [Path(row.weights).parent.name for row in trained.rows] == [
        "ablation_both",
        "ablation_g1",
        "ablation_correlation",
        "ablation_search",
        "ablation_truth",
    ]
    assert {(each.every, each.sequences) for each in (tracked, trained)} == {(1, ())}


@pytest.mark.parametrize(
    "text",
    [
        "rows: {a: {set: {proposal: 1}}}",
        "rows: {a: {sets: {}}}",
        "rows: {a: 3}",
        "rows: {}",
        "{a: {}}",
        "{rows: {a: {}}, every: 0}",
        "{rows: {a: {}}, sequence: [b]}",
        "{rows: {a: {}}, sequences: b}",
        "rows: {a: {set: 4}}",
    ],
)
def test_a_wrong_table_is_refused(tmp_path, text):
    path = tmp_path / "rows.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"proposal|takes|rows|every|sequence|`set` of a"):
        read_ablation(path)


@pytest.fixture
def clips(tmp_path, scene, colours):
    """Two OTB sequences of four frames."""
    for name in ("near", "far"):
        folder = tmp_path / "otb" / name
        (folder / "img").mkdir(parents=True)
        for index in range(4):
            write_picture(folder / "img" / f"{index:04d}.png", scene((60, 50, 40, 30, colours[0])))
        (folder / "groundtruth_rect.txt").write_text("61,51,40,30\n" * 4)
    return tmp_path / "otb"


@pytest.fixture
def ablate(tmp_path, clips, capsys):
    """Runs the command on a table; the printed object."""
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    checkpoint.save(build_network(NetworkConfig("siammask_box")), weights)

    def call(text, *more):
        (tmp_path / "rows.yaml").write_text(text)
        data = ["--dataset", "otb-layout", "--root", str(clips), "--set", "precision=fp32"]
        where = ["--weights", str(weights), "--results", str(tmp_path / "results")]
        code = main(["ablate", str(tmp_path / "rows.yaml"), *data, *where, "--json", *more])
        return code, capsys.readouterr()

    return call


def test_rows_without_weights_are_shown_as_not_measured(tmp_path, ablate):
    code, said = ablate("{every: 2, sequences: [near], rows: {usual: {}, other: {weights: nowhere.pt}}}")

    assert code == 0
    found = json.loads(said.out)
    assert found["other"] is None
    assert 0 <= found["usual"]["iou"] <= 1
    assert "other: not measured, there is no nowhere.pt" in said.err
    table = (tmp_path / "results" / "ablation.md").read_text()
    assert "one-pass, 1 of 2 frames; 1 sequences" in table
    assert "| other | not measured |" in table
    assert (tmp_path / "results/usual/near.txt").read_text().count("\n") == 2


def test_what_is_measured_is_measured_again_for_other_sequences_alone(tmp_path, ablate):
    table = "{sequences: [%s], every: 3, rows: {usual: {}}}"
    ablate(table % "near")
    kept = tmp_path / "results/usual/figures.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "figures": {"iou": 0.123}}))

    _, same = ablate(table % "near")
    _, other = ablate(table % "near, far")

    assert json.loads(same.out) == {"usual": {"iou": 0.123}}
    assert "auc" in json.loads(other.out)["usual"]


def test_a_table_of_which_nothing_can_be_measured_is_an_error(ablate):
    code, said = ablate("{rows: {other: {weights: nowhere.pt}}}")

    assert code == 2
    assert "no row of" in said.err


def test_figures_that_are_broken_are_named(tmp_path, ablate):
    table = "{sequences: [near], every: 3, rows: {usual: {}}}"
    ablate(table)
    (tmp_path / "results/usual/figures.json").write_text("[")

    code, said = ablate(table)

    assert code == 2
    assert "figures.json is broken" in said.err
