"""What eval and tune do with several starts of each sequence, with a tracker that stands still."""

import json

import pytest

from s2iammask_core.cli import main


@pytest.fixture
def evaluate(tmp_path, files, capsys):
    root = files.moving(tmp_path / "davis", ["cat", "cow"])

    def call(*more, dataset="DAVIS2016", data=root, results="results"):
        common = ["eval", "--dataset", dataset, "--root", data, "--weights", "identity"]
        status = main([str(each) for each in (*common, "--results", tmp_path / results, *more)])
        return status, capsys.readouterr()

    return call


def test_eval_prints_means_with_standard_errors_and_every_run(evaluate):
    status, said = evaluate("--starts", 2, "--reverse", "--json")

    record = json.loads(said.out)
    assert status == 0
    assert {"j_mean", "j_mean_se", "f_mean_se", "j_recall_se", "box_iou_se"} <= record.keys()
    assert [row["name"] for row in record["sequences"]] == ["cat", "cow"]
    assert [(row["sequence"], row["start"], row["direction"]) for row in record["runs"][:4]] == [
        *(("cat", 0, "forward"), ("cat", 3, "forward")),
        *(("cat", 6, "backward"), ("cat", 3, "backward")),
    ]
    assert record["runs"][0]["j_mean"] < record["runs"][1]["j_mean"]


def test_the_text_has_them_too(evaluate):
    _, said = evaluate("--starts", 2)

    assert "standard error" in said.out
    assert [line.split()[:3] for line in said.out.splitlines() if "forward" in line and "cow" in line] == [
        *(["cow", "0", "forward"], ["cow", "3", "forward"])
    ]


def test_a_report_holds_the_runs(evaluate, tmp_path):
    pytest.importorskip("matplotlib")

    evaluate("--starts", 2, "--reverse")

    assert "| cow | 3 | backward |" in (tmp_path / "results/report/report.md").read_text()
    assert "<td>backward</td>" in (tmp_path / "results/report/report.html").read_text()


def test_a_stopped_measurement_goes_on_with_the_runs_that_are_missing(evaluate, tmp_path):
    first = json.loads(evaluate("--starts", 2, "--reverse", "--json")[1].out)
    kept, gone = (tmp_path / f"results/runs/cat.{run}.json" for run in ("00000.forward", "00003.backward"))
    before = kept.stat().st_mtime_ns
    gone.unlink()

    again = json.loads(evaluate("--starts", 2, "--reverse", "--json")[1].out)

    assert again["runs"] == first["runs"]
    assert kept.stat().st_mtime_ns == before
    assert gone.is_file()


def test_results_of_other_starts_are_not_mixed(evaluate):
    evaluate("--starts", 2)

    status, said = evaluate("--starts", 2, "--reverse")

    assert status == 2
    assert "forwards and backwards" in said.err


def test_results_of_several_starts_lie_apart_from_those_of_one(evaluate, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    common = ["eval", "--dataset", "DAVIS2016", "--root", str(tmp_path / "davis"), "--weights", "identity"]

    assert main([*common, "--starts", "2", "--reverse", "--protocol", "box"]) == 0

    folder = tmp_path / "runs/eval/DAVIS2016/identity-box-starts2-reverse"
    assert (folder / "runs/cat.00000.forward.json").is_file()


def test_a_broken_score_of_a_run_is_named(evaluate, tmp_path):
    evaluate("--starts", 1)
    (tmp_path / "results/runs/cow.00000.forward.json").write_text("{")

    status, said = evaluate("--starts", 1)

    assert status == 2
    assert "cow.00000.forward.json cannot be read as json" in said.err


def test_the_gain_on_other_results_is_said_in_json_and_text(evaluate, tmp_path):
    evaluate("--starts", 2, "--protocol", "box", results="one")

    _, said = evaluate("--starts", 2, "--against", tmp_path / "one", "--json")
    _, text = evaluate("--starts", 2, "--against", tmp_path / "one")

    record = json.loads(said.out)
    assert (record["j_mean_gain"], record["j_mean_gain_se"]) == (0, 0)  # the box of a square is its mask
    assert "standard error of the gain" in text.out


def test_only_the_same_runs_are_compared(evaluate, tmp_path):
    evaluate("--starts", 2, results="one")

    assert "give --starts too" in evaluate("--against", tmp_path / "one")[1].err
    assert "no results for the run cat.00006.backward" in (
        evaluate("--starts", 2, "--reverse", "--against", tmp_path / "one", results="two")[1].err
    )
    assert "other frames" in (
        evaluate("--starts", 2, "--every", 2, "--against", tmp_path / "one", results="three")[1].err
    )


def test_every_nth_frame_of_the_runs_alone(evaluate):
    _, said = evaluate("--starts", 2, "--every", 2, "--json")

    record = json.loads(said.out)
    assert [(row["start"], row["frames"]) for row in record["runs"]] == [(0, 4)] * 2  # none fits in after 3
    assert "1 of 2 frames" in " ".join(record["notes"])


def test_settings_are_not_tuned_on_such_runs_unawares(tmp_path, files, capsys):
    pytest.importorskip("optuna")
    root = files.moving(tmp_path, ["camel", "cat"])

    common = ["tune", "--dataset", "DAVIS2016", "--root", str(root), "--split", "val", "--starts", "2"]
    assert main([*common, "--out", str(tmp_path / "tune")]) == 2

    assert "such as camel.00000.forward, are for reporting" in capsys.readouterr().err
