"""What eval and score print, write and refuse."""

import numpy as np
import pytest
from command_lines import printed, words
from PIL import Image

from s2iammask_core.cli import main

pytest.importorskip("matplotlib")


@pytest.fixture
def evaluate(tmp_path, davis):
    def call(*more, results="results"):
        common = ["eval", "--dataset", "DAVIS2016", "--root", davis, "--weights", "identity"]
        return main(words([*common, "--results", tmp_path / results, *more]))

    return call


def test_eval_runs_scores_and_reports(tmp_path, evaluate, capsys):
    assert evaluate("--json") == 0

    record = printed(capsys)
    assert (record["j_mean"], record["f_mean"]) == (1, 1)
    assert record["fps"] > record["fps_with_decoding"] > 0
    assert [row["name"] for row in record["sequences"]] == ["cat", "cow"]
    assert (tmp_path / "results/report/report.html").is_file()


def test_results_of_before_are_set_aside_for_fresh_ones(tmp_path, evaluate, davis, capsys):
    evaluate("--json")
    before = printed(capsys)
    mask = davis / "Annotations/480p/cow/00003.png"
    Image.fromarray(np.zeros_like(np.array(Image.open(mask)))).save(mask)

    assert evaluate() == 2
    assert "--fresh" in capsys.readouterr().err
    assert evaluate("--fresh", "--json") == 0

    assert printed(capsys)["j_mean"] < before["j_mean"]
    assert [path for path in tmp_path.iterdir() if path.name.startswith("results") and path.name != "results"]


def test_score_gives_what_eval_gave(tmp_path, davis, evaluate, capsys):
    evaluate("--protocol", "box", "--json")
    evaluated = printed(capsys)

    common = ["score", "--dataset", "DAVIS2016", "--truth", davis, "--results", tmp_path / "results"]
    assert main(words([*common, "--json"])) == 0

    scored = printed(capsys)
    assert scored["j_mean"] == evaluated["j_mean"]
    assert {"j_mean", "j_recall", "j_decay", "f_mean", "f_recall", "f_decay"} <= scored.keys()
    assert "protocol: masks propagated from the first box" in scored["notes"]


def test_score_of_vot_has_the_four_figures(tmp_path, files, capsys):
    files.frames(tmp_path / "vot/a", 4)
    files.rows(tmp_path / "vot/a/groundtruth.txt", [(10, 10, 10, 10)] * 4)
    rows = [(1,), (10, 10, 10, 10), (2,), (0,)]
    files.rows(tmp_path / "results/baseline/a/a_001.txt", rows)

    common = ["score", "--dataset", "VOT2018", "--truth", tmp_path / "vot", "--results", tmp_path / "results"]
    assert main(words([*common, "--interval", "2,3", "--json"])) == 0

    record = printed(capsys)
    assert (record["lost"], record["robustness"], record["eao"]) == (1, 25, 0.75)
    assert record["accuracy"] is None  # all of it is burn-in


def test_four_numbers_of_vot_are_taken_in_either_convention(tmp_path, files, capsys):
    files.frames(tmp_path / "vot/a", 14)
    files.rows(tmp_path / "vot/a/groundtruth.txt", [(10, 10, 10, 10)] * 14)
    files.rows(tmp_path / "results/baseline/a/a_001.txt", [(1,), *[(10, 10, 10, 5)] * 13])
    common = ["score", "--dataset", "VOT2018", "--truth", tmp_path / "vot", "--results", tmp_path / "results"]

    found = {}
    for convention in ("toolkit", "pysot"):
        assert main(words([*common, "--interval", "2,3", "--json", "--rectangles", convention])) == 0
        found[convention] = printed(capsys)

    assert found["toolkit"]["accuracy"] == pytest.approx(5 * 10 / (10 * 10))
    assert found["pysot"]["accuracy"] == pytest.approx(6 * 11 / (11 * 11))
    assert found["toolkit"]["notes"] != found["pysot"]["notes"]


def test_score_of_otb_has_auc_and_precision(tmp_path, files, capsys):
    files.frames(tmp_path / "otb/a/img", 2)
    files.rows(tmp_path / "otb/a/groundtruth_rect.txt", [(10, 10, 10, 10)] * 2, separator="\t")
    files.rows(tmp_path / "results/a.txt", [(10, 10, 10, 10)] * 2)

    common = ["score", "--dataset", "OTB", "--truth", tmp_path / "otb", "--results", tmp_path / "results"]
    assert main(words([*common, "--json"])) == 0

    record = printed(capsys)
    assert record["auc"] == pytest.approx(20 / 21)
    assert record["precision"] == 1


@pytest.mark.parametrize(("form", "line"), [("text", "cat  "), ("markdown", "| cat | "), ("csv", "cat,1.0")])
def test_tables_are_printed_in_three_forms(evaluate, capsys, form, line):
    assert evaluate("--format", form) == 0

    assert line in capsys.readouterr().out


def test_score_writes_a_report_on_request(tmp_path, davis, evaluate):
    evaluate()

    common = ["score", "--dataset", "DAVIS2016", "--truth", davis, "--results", tmp_path / "results"]
    assert main(words([*common, "--report", tmp_path / "report"])) == 0

    assert (tmp_path / "report/report.html").is_file()


def test_results_lie_where_their_name_says(tmp_path, davis, monkeypatch):
    monkeypatch.chdir(tmp_path)

    common = ["eval", "--dataset", "DAVIS2016", "--root", davis, "--weights", "identity"]
    assert main(words([*common, "--protocol", "box"])) == 0

    assert (tmp_path / "runs/eval/DAVIS2016/identity-box/cat/00004.png").is_file()


def test_a_cluster_needs_workers(evaluate, capsys):
    assert evaluate("--address", "auto") == 2

    assert "--address auto needs --workers" in capsys.readouterr().err


def test_an_unknown_folder_of_results_is_an_error(tmp_path, davis, capsys):
    common = ["score", "--dataset", "DAVIS2016", "--truth", davis, "--results", tmp_path / "nowhere"]

    assert main(words(common)) == 2

    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("interval", ["5", "a,b", "9,3", "0,3"])
def test_a_wrong_interval_is_an_error(tmp_path, files, capsys, interval):
    files.frames(tmp_path / "vot/a", 1)
    files.rows(tmp_path / "vot/a/groundtruth.txt", [(10, 10, 10, 10)])
    common = ["score", "--dataset", "VOT2016", "--truth", tmp_path / "vot", "--results", tmp_path]

    assert main(words([*common, "--interval", interval])) == 2

    assert "--interval" in capsys.readouterr().err


def test_what_cannot_be_scored_is_run_all_the_same(tmp_path, files, capsys):
    root = files.youtube(tmp_path / "valid")
    common = ["eval", "--dataset", "YTVOS2018", "--root", root, "--weights", "identity"]

    assert main(words([*common, "--results", tmp_path / "results", "--json"])) == 0

    assert "no truth to score with" in printed(capsys)["notes"][0]
    assert (tmp_path / "results/submission.zip").is_file()


def test_the_images_of_a_run_have_the_size_of_the_frames(tmp_path, evaluate):
    evaluate()

    with Image.open(tmp_path / "results/cat/00003.png") as image:
        assert (image.mode, image.size, np.unique(np.array(image)).tolist()) == ("P", (40, 30), [0, 1])


def test_frames_are_not_set_aside_for_fresh_results(evaluate, davis, tmp_path, capsys):
    assert evaluate("--fresh", results="davis/JPEGImages/480p") == 2

    assert "holds other files" in capsys.readouterr().err
    assert not (davis / "JPEGImages/480p.1").exists()
