import json
import math

import cv2
import numpy as np
import pytest

from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark, score
from s2iammask_core.evaluation.factory import IdentityFactory
from s2iammask_core.evaluation.reports.pictures import (
    ANSWER_COLOR,
    TRUTH_COLOR,
    Drawing,
    label_outlines,
    worst_frames,
)
from s2iammask_core.evaluation.reports.plots import plots
from s2iammask_core.evaluation.reports.record import Curve, Report, Row, Timeline
from s2iammask_core.evaluation.reports.tables import (
    as_csv,
    as_markdown,
    as_object,
    as_text,
    figures_table,
    rows_table,
)
from s2iammask_core.evaluation.reports.write import write_report
from s2iammask_core.evaluation.runner import Run, Workers, run

REPORT = Report(
    "VOT2018",
    {"accuracy": 0.5976, "lost": 53, "eao": math.nan},
    (Row("bag", {"accuracy": 0.8461, "lost": 0}), Row("a-long-name", {"accuracy": math.nan, "lost": 2})),
    notes=("EAO has no value",),
)


def test_text_is_aligned():
    assert as_text(rows_table(REPORT)).splitlines() == [
        "sequence     accuracy  lost",
        "bag             0.846     0",
        "a-long-name         -     2",
    ]


def test_markdown_has_numbers_to_the_right():
    assert as_markdown(figures_table(REPORT)).splitlines() == [
        "| data set | accuracy | lost | eao |",
        "| --- | ---: | ---: | ---: |",
        "| VOT2018 | 0.598 | 53 | - |",
    ]


def test_csv_keeps_all_digits():
    assert as_csv(rows_table(REPORT)) == "sequence,accuracy,lost\nbag,0.8461,0\na-long-name,,2\n"


def test_what_has_no_value_is_null_in_json():
    record = json.loads(json.dumps(as_object(REPORT)))

    assert (record["dataset"], record["eao"], record["lost"]) == ("VOT2018", None, 53)
    assert record["sequences"][1] == {"name": "a-long-name", "accuracy": None, "lost": 2}


def test_curves_of_one_title_share_a_picture():
    pytest.importorskip("matplotlib")
    steps = np.arange(5.0)
    curves = [
        Curve("a b", "x", "y", steps, steps / 5, "one"),
        Curve("a b", "x", "y", steps, steps / 9, "two"),
    ]

    drawn = plots([*curves, Curve("Success", "x", "y", steps, 1 - steps / 5)])

    assert sorted(drawn) == ["a-b.png", "success.png"]
    for png in drawn.values():
        picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape[0] > 300
        assert picture.std() > 5


def test_the_worst_frames_are_not_neighbours():
    values = np.array([0.9, 0.1, 0.15, 0.9, 0.9, 0.9, 0.9, 0.2, np.nan, 0.9, 0.9, 0.9, 0.9])
    timeline = Timeline("a", "J", np.arange(13) + 5, values)

    assert worst_frames(timeline, 2) == [(6, 0.1), (7, 0.15)]
    assert worst_frames(Timeline("a", "J", np.arange(13) * 10, values), 2)[1] == (20, 0.15)


def test_the_outline_of_a_mask_lies_on_the_mask():
    labels = np.zeros((40, 60), np.uint8)
    labels[10:30, 20:50] = 7
    labels[15:20, 25:30] = 0

    outer, inner = sorted(label_outlines(labels), key=lambda each: each[:, 0].min())

    assert (outer.min(axis=0).tolist(), outer.max(axis=0).tolist()) == ([20.5, 10.5], [49.5, 29.5])
    assert (inner.min(axis=0).tolist(), inner.max(axis=0).tolist()) == ([24.5, 14.5], [30.5, 20.5])


def test_truth_and_answer_are_drawn_where_they_are():
    frame = np.full((100, 200, 3), 128, np.uint8)
    truth = np.array([(20, 20), (60, 20), (60, 60), (20, 60)], np.float32)

    picture = Drawing(frame, (truth,), (truth + np.float32([100, 0]),)).picture(width=400)

    assert picture.shape == (200, 400, 3)
    assert np.abs(picture[80, 40].astype(int) - TRUTH_COLOR).max() < 60  # on the left edge of the truth
    tint = picture[80, 280].astype(int)  # inside the answer
    assert np.abs(tint - (0.35 * np.array(ANSWER_COLOR) + 0.65 * 128)).max() < 3
    assert picture[20, 300].tolist() == [128, 128, 128]


@pytest.fixture
def davis_run(tmp_path, files):
    benchmark = open_benchmark(
        Choice("DAVIS2017", files.davis(tmp_path / "data", ["cat", "<dog>"], frames=5))
    )
    results = tmp_path / "results"
    run(Run(benchmark, IdentityFactory(), results), Workers(), lambda *done: None)
    return benchmark, results


def test_a_report_is_a_page_with_tables_plots_and_worst_moments(tmp_path, davis_run):
    pytest.importorskip("matplotlib")
    benchmark, results = davis_run

    page = write_report(tmp_path / "report", score(benchmark, results), benchmark, results).read_text()

    assert page.count("data:image/jpeg;base64,") == 12  # 3 moments of 2 objects of 2 sequences
    assert page.count("data:image/png;base64,") == 2
    assert "&lt;dog&gt;" in page
    assert "<dog>" not in page
    assert "not comparable with published figures" in page
    assert "identity" in page
    files = sorted(str(path.relative_to(tmp_path / "report")) for path in (tmp_path / "report").rglob("*.*"))
    assert files == [
        "plots/cat.png", "plots/dog.png", "report.html", "report.json", "report.md", "sequences.csv",
    ]  # fmt: skip


def test_a_report_without_frames_has_no_pictures(tmp_path, davis_run):
    pytest.importorskip("matplotlib")
    benchmark, results = davis_run
    for path in (tmp_path / "data/JPEGImages").rglob("*.jpg"):
        path.unlink()

    page = write_report(tmp_path / "report", score(benchmark, results), benchmark, results).read_text()

    assert "Worst moments" not in page
    assert page.count("data:image/png;base64,") == 2


@pytest.mark.parametrize("name", ["VOT2018", "OTB"])
def test_boxes_of_truth_and_answer_are_drawn(tmp_path, files, name):
    files.frames(tmp_path / "a" / ("img" if name == "OTB" else ""), 3)
    truth = "groundtruth_rect.txt" if name == "OTB" else "groundtruth.txt"
    files.rows(tmp_path / "a" / truth, [(10, 10, 10, 10)] * 3)
    benchmark = open_benchmark(Choice(name, tmp_path))
    run(Run(benchmark, IdentityFactory(), tmp_path / "results"), Workers(), lambda *done: None)

    drawing = benchmark.drawing("a", 2, tmp_path / "results")

    assert len(drawing.truth) == len(drawing.answer) == 1
    assert np.abs(drawing.truth[0].min(axis=0) - drawing.answer[0].min(axis=0)).max() < 0.01


def test_the_score_of_a_part_says_so(davis_run):
    report = score(*davis_run)

    assert "only 2 of the 30 sequences: not comparable with published figures" in report.notes
    assert "protocol: masks propagated from the first mask" in report.notes
