import numpy as np
import pytest
from PIL import Image

from s2iammask_core.errors import DatasetError, ResultsError
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark, score
from s2iammask_core.evaluation.factory import IdentityFactory
from s2iammask_core.evaluation.runner import Run, Workers, run


@pytest.fixture
def vot(tmp_path, files):
    """A benchmark of two sequences, and a folder with good results."""
    for name in ("a", "b"):
        files.frames(tmp_path / "data" / name, 4)
        files.rows(tmp_path / "data" / name / "groundtruth.txt", [(10, 10, 10, 10)] * 4)
    return completed(open_benchmark(Choice("VOT2018", tmp_path / "data")), tmp_path / "results")


@pytest.fixture
def davis(tmp_path, files):
    root = files.davis(tmp_path / "data", ["a", "b"], frames=4)
    return completed(open_benchmark(Choice("DAVIS2017", root)), tmp_path / "results")


@pytest.fixture
def otb(tmp_path, files):
    files.frames(tmp_path / "data/a/img", 3)
    files.rows(tmp_path / "data/a/groundtruth_rect.txt", [(10, 10, 10, 10)] * 3)
    return completed(open_benchmark(Choice("OTB", tmp_path / "data")), tmp_path / "results")


def completed(benchmark, results):
    run(Run(benchmark, IdentityFactory(), results), Workers(), lambda name, frames: None)
    return benchmark, results


def assert_refused(data, message, error=ResultsError):
    benchmark, results = data
    with pytest.raises(error, match=message):
        benchmark.score(results)


def rewrite(path, change):
    lines = path.read_text().splitlines()
    change(lines)
    path.write_text("\n".join(lines) + "\n")


def test_a_vot_sequence_without_results_is_named(vot):
    (vot[1] / "baseline/b/b_001.txt").unlink()

    assert_refused(vot, "no results for sequence b")


def test_a_truncated_vot_file_is_named(vot):
    rewrite(vot[1] / "baseline/b/b_001.txt", lambda lines: lines.pop())

    assert_refused(vot, r"b_001\.txt has 3 lines, but the sequence has 4 frames")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2,3", "line 3: a region has 4 numbers"),
        ("7", "line 3: a single number must be 0, 1 or 2, not 7"),
        ("1,2,x,4", "line 3: '1,2,x,4' is not a row of numbers"),
        ("nan,2,3,4", "line 3: the region has numbers that are not finite"),
    ],
)
def test_a_broken_vot_line_is_named(vot, line, message):
    rewrite(vot[1] / "baseline/a/a_001.txt", lambda lines: lines.__setitem__(2, line))

    assert_refused(vot, r"a_001\.txt, " + message)


def test_results_of_another_protocol_are_no_vot_results(vot):
    rewrite(vot[1] / "baseline/a/a_001.txt", lambda lines: lines.__setitem__(0, "10,10,10,10"))

    assert_refused(vot, "does not begin with 1")


def test_a_davis_sequence_without_results_is_named(davis):
    (davis[1] / "b").rename(davis[1] / "c")

    assert_refused(davis, "no results for sequence b")


def test_a_missing_mask_is_named(davis):
    (davis[1] / "b/00002.png").unlink()

    assert_refused(davis, r"there is no picture .*b/00002\.png")


def test_a_mask_of_another_size_is_named(davis, files):
    files.labels(davis[1] / "b/00002.png", np.zeros((15, 20)))

    assert_refused(davis, r"b/00002\.png is 20x15, but the ground truth is 40x30")


def test_a_truncated_mask_is_named(davis):
    path = davis[1] / "b/00002.png"
    path.write_bytes(path.read_bytes()[:120])

    assert_refused(davis, r"cannot read the picture .*b/00002\.png")


def test_an_id_that_does_not_exist_is_named(davis, files):
    files.labels(davis[1] / "b/00002.png", np.full((30, 40), 7))

    assert_refused(davis, r"b/00002\.png has object 7, but sequence b has only 1, 3")


def test_a_picture_is_no_mask(davis):
    Image.new("RGB", (40, 30), (9, 0, 7)).save(davis[1] / "b/00002.png")

    assert_refused(davis, r"b/00002\.png has colours")


def test_a_missing_annotation_is_named(davis, tmp_path):
    (tmp_path / "data/Annotations/480p/b/00002.png").unlink()

    benchmark = open_benchmark(Choice("DAVIS2017", tmp_path / "data"))

    assert_refused((benchmark, davis[1]), "sequence b has no annotation for frame 00002", DatasetError)


def test_an_otb_sequence_without_results_is_named(otb):
    (otb[1] / "a.txt").unlink()

    assert_refused(otb, "no results for sequence a")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,2,3,4"] * 2, "has 2 lines, but the sequence has 3 frames"),
        (["1,2,3,4"] * 2 + ["1,2,3"], "line 3: expected x, y, width, height, got 3 numbers"),
        (["1,2,3,4"] * 2 + ["1,2,inf,4"], "a .*not finite"),
    ],
)
def test_a_broken_otb_file_is_named(otb, rows, message):
    (otb[1] / "a.txt").write_text("\n".join(rows))

    assert_refused(otb, r"a\.txt.*" + message)


def test_without_truth_there_is_no_score(tmp_path, files):
    benchmark = open_benchmark(Choice("YTVOS2019", files.youtube(tmp_path / "valid")))

    assert not benchmark.has_truth
    assert_refused((benchmark, tmp_path), "send the results to the benchmark's server", DatasetError)


def annotated(root, files):
    """YouTube-VOS with the truth of all frames, in which nothing moves."""
    for index in (1, 2, 3):
        labels = np.zeros((30, 40))
        labels[5:15, 5:15], labels[5:15, 20:30] = (1 if index < 3 else 0), (2 if index > 1 else 0)
        files.labels(root / f"Annotations/v/{index:05d}.png", labels)
    return open_benchmark(Choice("YTVOS2019", root))


def test_with_truth_youtube_is_scored_by_category(tmp_path, files):
    benchmark = annotated(files.youtube(tmp_path / "valid"), files)

    report = score(*completed(benchmark, tmp_path / "results"))

    assert report.figures["j_seen"] == 1
    assert np.isnan(
        report.figures["j_unseen"]
    )  # the only such object has no frame between its first and last
    assert "1 objects have no frame in between and are left out" in report.notes


def test_a_broken_note_of_settings_is_named(otb):
    (otb[1] / "run.json").write_text("{")

    with pytest.raises(ResultsError, match=r"run\.json is broken"):
        score(*otb)


def test_a_category_that_nobody_knows_is_named(tmp_path, files):
    root = files.youtube(tmp_path / "train")
    (root / "meta.json").write_text((root / "meta.json").read_text().replace('"camera"', '""'))
    data = completed(annotated(root, files), tmp_path / "results")

    assert_refused(data, "no category for object 2 of sequence v", DatasetError)


def test_a_box_in_the_first_frame_only_is_no_truth(tmp_path, files):
    files.frames(tmp_path / "clip", 3)
    files.rows(tmp_path / "box.txt", [(10, 10, 10, 10)])
    choice = Choice("folder", tmp_path / "clip", boxes=tmp_path / "box.txt")
    data = completed(open_benchmark(choice), tmp_path / "results")

    assert len((tmp_path / "results/clip.txt").read_text().splitlines()) == 3
    assert_refused(data, "nothing to score with", DatasetError)
