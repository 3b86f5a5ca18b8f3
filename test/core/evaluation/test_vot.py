import json
from pathlib import Path

import numpy as np
import pytest

from s2iammask_core.evaluation import vot
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark
from s2iammask_core.evaluation.results.vot import trajectory_path, write_trajectory
from s2iammask_core.evaluation.vot import INTERVALS, Fragment, Kind, Measured

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "test/data/eval"
VOT2018 = ROOT.parent / "shared/data/vot2018"
SYNTHETIC = json.loads((GOLDEN / "vot_synthetic.json").read_text())


def synthetic_benchmark(folder, name):
    """The golden videos as a challenge's json file and a folder of results, in the official formats."""
    records = {}
    for video, each in SYNTHETIC["videos"].items():
        names = [f"{video}/{frame:08d}.jpg" for frame in range(len(each["gt"]))]
        size = {"width": each["width"], "height": each["height"]}
        records[video] = {"gt_rect": each["gt"], "img_names": names, **size}
        path = trajectory_path(folder, video)
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(",".join(map(str, row)) for row in each["traj"]) + "\n")
    (folder / "truth.json").write_text(json.dumps(records))
    return open_benchmark(Choice(name, folder / "truth.json"))


@pytest.mark.parametrize("name", ["VOT2016", "VOT2018", "VOT2019"])
def test_the_synthetic_videos_score_as_with_the_original_toolkit(tmp_path, name):
    expected = SYNTHETIC["expected"][name]

    figures = synthetic_benchmark(tmp_path, name).score(tmp_path).figures

    for measure in ("accuracy", "robustness", "lost", "eao"):
        assert figures[measure] == pytest.approx(expected[measure], abs=1e-8)


def test_each_synthetic_video_has_the_original_overlaps(tmp_path):
    report = synthetic_benchmark(tmp_path, "VOT2018").score(tmp_path)

    for row, timeline in zip(report.rows, report.timelines, strict=True):
        expected = SYNTHETIC["per_video"][row.name]
        assert row.figures["accuracy"] == pytest.approx(expected["accuracy"], abs=1e-8)
        known = [(frame, value) for frame, value in enumerate(expected["first20"]) if value is not None]
        for frame, value in known:
            assert timeline.values[frame] == pytest.approx(value, abs=1e-7)


def stored_runs():
    """The published SiamMask run on VOT2018, as the overlaps in it."""
    stored = np.load(GOLDEN / "vot2018_siammask.npz")
    ends = np.cumsum(stored["lengths"].astype(int))
    codes = stored["overlaps"].astype(int)
    inner = codes + stored["inner_less"]
    overlaps, inner = (np.where(each == 65535, np.nan, each / 10000) for each in (codes, inner))
    parts = zip(*(np.split(each, ends[:-1]) for each in (stored["kinds"], overlaps, inner)), strict=True)
    return {str(name): [Measured(*part)] for name, part in zip(stored["names"], parts, strict=True)}


def test_the_published_overlaps_of_siammask_give_its_published_figures():
    score = vot.score(stored_runs(), INTERVALS["VOT2018"])

    figures = score.accuracy, score.robustness, score.lost, score.eao
    assert figures == pytest.approx((0.598, 0.248, 53, 0.406), abs=5e-4)


@pytest.mark.skipif(not VOT2018.is_dir(), reason="needs the raw VOT2018 results in ../shared/data")
def test_the_published_results_of_siammask_give_its_published_figures():
    benchmark = open_benchmark(Choice("VOT2018", VOT2018 / "VOT2018.json"))

    figures = benchmark.score(VOT2018 / "SiamMask").figures

    rounded = [round(figures[name], 3) for name in ("accuracy", "robustness", "lost", "eao")]
    assert rounded == [0.598, 0.248, 53, 0.406]
    assert set(figures) >= {"eao_camera_motion", "eao_occlusion", "eao_none"}


def measured(kinds, overlaps, **tags):
    values = np.array(overlaps, float)
    flags = {name: np.array(tag, bool) for name, tag in tags.items()}
    return Measured(np.array(kinds, np.int8), values, values, flags)


def test_the_first_ten_frames_after_a_start_do_not_count_for_accuracy():
    kinds = [Kind.STARTED] + [Kind.TRACKED] * 11
    run = measured(kinds, [np.nan] + [0.1] * 9 + [0.8, 0.6])

    score = vot.score({"a": [run]}, (1, 2))

    assert score.accuracy == pytest.approx(0.7)
    assert score.lost == 0


def test_a_failure_counts_once_per_hundred_frames():
    kinds = [1, 3, 2, 0, 0, 0, 0, 1, 3, 3]
    overlaps = [np.nan if kind != 3 else 0.5 for kind in kinds]

    score = vot.score({"a": [measured(kinds, overlaps)]}, (1, 2))

    assert (score.lost, score.robustness) == (1, 10)


def test_after_a_failure_the_expected_overlap_falls_to_nothing():
    fragments = [Fragment(np.array([0.0, 1.0, 1.0]), True, 1.0, {}), Fragment(np.zeros(5), False, 1.0, {})]

    curve = vot.expected_overlap(fragments, 6)

    assert curve == pytest.approx([1, 1 / 2, 1 / 2, 1 / 3, 1 / 4, 2 / 5])  # the second one ends at 5


def test_a_fragment_that_the_sequence_ended_says_nothing_about_longer_ones():
    fragments = [Fragment(np.array([0.0, 1.0]), False, 1.0, {}), Fragment(np.full(4, 0.5), False, 1.0, {})]

    curve = vot.expected_overlap(fragments, 5)

    assert curve == pytest.approx([1, 0.75, 0.5, 0.5, np.nan], nan_ok=True)


def test_repetitions_share_the_weight_of_their_sequence():
    tracked, lost = measured([1, 3, 3], [np.nan, 1, 1]), measured([1, 3, 3], [np.nan, 0.5, 0.5])

    score = vot.score({"a": [tracked, lost], "b": [tracked]}, (2, 3))

    assert score.eao == pytest.approx((0.75 + 1) / 2)


def test_an_attribute_weighs_fragments_by_how_often_they_have_it():
    always = measured([1, 3, 3], [np.nan, 1, 1], occlusion=[1, 1, 1])
    never = measured([1, 3, 3], [np.nan, 0, 0], occlusion=[0, 0, 0])

    score = vot.score({"a": [always], "b": [never]}, (2, 3))

    assert score.eao == pytest.approx(0.5)
    assert score.attribute_eao == {"occlusion": pytest.approx(1.0)}


def test_an_interval_beyond_all_sequences_has_no_expected_overlap():
    score = vot.score({"a": [measured([1, 3, 3], [np.nan, 1, 1])]}, (100, 356))

    assert np.isnan(score.eao)


def test_both_conventions_of_vot2016_are_known():
    assert INTERVALS["VOT2016"] == (100, 356)
    assert INTERVALS["VOT2016-toolkit"] == (108, 371)


def test_a_trajectory_is_written_and_read_back(tmp_path):
    polygon = np.array([(1, 2), (30, 2.5), (31, 20), (2, 21)], np.float32)
    path = trajectory_path(tmp_path, "a")

    write_trajectory(path, [Kind.STARTED, polygon, Kind.FAILED, Kind.SKIPPED])

    assert path.read_text().splitlines()[1:] == [
        "1.0000,2.0000,30.0000,2.5000,31.0000,20.0000,2.0000,21.0000",
        "2",
        "0",
    ]
