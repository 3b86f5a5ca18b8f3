import json
from pathlib import Path

import numpy as np
import pytest

from s2iammask_core.evaluation import davis
from s2iammask_core.evaluation.benchmarks.masks import measured_objects
from s2iammask_core.evaluation.davis import (
    Statistics,
    boundary,
    boundary_measure,
    grown,
    measures,
    region_similarity,
)
from s2iammask_core.evaluation.sequences.masks import read_davis
from s2iammask_core.files.labels import VOID

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "test/data/eval"
DAVIS = ROOT.parent / "shared/data/davis"
ELLIPSES = json.loads((GOLDEN / "davis_ellipses.json").read_text())


def rectangle(x1, y1, x2, y2, shape=(60, 80)):
    mask = np.zeros(shape, bool)
    mask[y1:y2, x1:x2] = True
    return mask


def ellipse(height, width, values):
    cx, cy, along, across, theta = values
    y, x = np.mgrid[:height, :width]
    u = (x - cx) * np.cos(theta) + (y - cy) * np.sin(theta)
    v = (y - cy) * np.cos(theta) - (x - cx) * np.sin(theta)
    return (u / along) ** 2 + (v / across) ** 2 < 1


@pytest.mark.parametrize("row", ELLIPSES)
def test_ellipses_score_as_with_the_official_package(row):
    truth = ellipse(row["height"], row["width"], row["truth"])
    answer = ellipse(row["height"], row["width"], row["answer"])

    assert region_similarity(truth, answer) == pytest.approx(row["j"], abs=1e-12)
    assert boundary_measure(truth, answer) == pytest.approx(row["f"], abs=1e-12)


def test_two_rectangles_have_a_known_similarity():
    assert region_similarity(rectangle(0, 0, 10, 10), rectangle(5, 0, 15, 10)) == pytest.approx(1 / 3)


def test_two_empty_masks_agree():
    nothing = rectangle(0, 0, 0, 0)

    assert region_similarity(nothing, nothing) == 1
    assert boundary_measure(nothing, nothing) == 1


def labelled(mask, void):
    return np.where(void, VOID, mask).astype(np.uint8)


def test_what_is_said_about_void_pixels_counts_for_nothing():
    truth, void = rectangle(20, 20, 40, 40), rectangle(40, 15, 50, 45)

    for right in (40, 45, 50):
        answer = rectangle(20, 20, right, 40).astype(np.uint8)
        assert measures(labelled(truth, void), answer, 1) == (1, 1)
    beyond = rectangle(20, 20, 60, 40).astype(np.uint8)
    j, f = measures(labelled(truth, void), beyond, 1)
    assert j == pytest.approx(400 / 600)
    assert f < 1


def test_an_object_in_the_void_alone_is_not_there():
    void = rectangle(20, 20, 40, 40)
    truth = labelled(rectangle(0, 0, 0, 0), void)

    assert measures(truth, void.astype(np.uint8), 1) == (1, 1)
    assert measures(truth, rectangle(0, 0, 10, 10).astype(np.uint8), 1) == (0, 0)


def test_an_empty_answer_has_no_part_of_the_object():
    assert region_similarity(rectangle(5, 5, 20, 20), rectangle(0, 0, 0, 0)) == 0
    assert boundary_measure(rectangle(5, 5, 20, 20), rectangle(0, 0, 0, 0)) == 0


def test_the_boundary_lies_above_and_left_of_the_edge():
    edges = boundary(rectangle(2, 2, 4, 4, (6, 6)))

    rows, columns = np.nonzero(edges)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {
        (1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (2, 3), (3, 2), (3, 3)
    }  # fmt: skip


def test_a_boundary_within_the_tolerance_is_found():
    truth, near, far = (
        rectangle(x, 10, x + 20, 30) for x in (20, 21, 24)
    )  # tolerance: 1 pixel of 0.008 x 100

    assert boundary_measure(truth, near) == 1
    assert boundary_measure(truth, far) < 0.8


def test_a_mask_grows_by_a_disk():
    dot = rectangle(10, 10, 11, 11, (21, 21))

    rows, columns = np.nonzero(grown(dot, 5))

    assert ((rows - 10) ** 2 + (columns - 10) ** 2).max() == 25
    assert len(rows) == 81


def test_decay_is_what_the_last_quarter_lost():
    statistics = Statistics.of(np.array([1.0, 1.0, 0.9, 0.8, 0.4, 0.4, 0.2, 0.1, 0.0]))

    assert statistics.mean == pytest.approx(4.8 / 9)
    assert statistics.recall == pytest.approx(4 / 9)
    assert statistics.decay == pytest.approx((1.0 + 1.0 + 0.9) / 3 - (0.2 + 0.1 + 0.0) / 3)


def test_one_frame_is_enough_for_statistics():
    assert Statistics.of(np.array([0.7])) == Statistics(0.7, 1.0, 0.0)


def test_objects_count_alike_however_long_they_last():
    short = davis.ObjectScore("a", 1, np.arange(1), np.ones(1), np.ones(1))
    long = davis.ObjectScore("a", 2, np.arange(9), np.zeros(9), np.zeros(9))

    score = davis.score((short, long))

    assert (score.j.mean, score.f.mean, score.j_and_f) == (0.5, 0.5, 0.5)


@pytest.mark.skipif(not DAVIS.is_dir(), reason="needs the DAVIS masks of SiamMask in ../shared/data")
def test_the_published_masks_of_siammask_have_their_published_measures_in_every_frame():
    published = json.loads((DAVIS / "siammask_published.json").read_text())
    sequences = read_davis(DAVIS / "val", "2016", published)

    objects = [score for each in sequences for score in measured_objects(each, DAVIS / "siammask_masks")]

    for each in objects:
        assert np.abs(each.j - published[each.sequence]["J"]).max() < 0.001
        assert np.abs(each.f - published[each.sequence]["F"]).max() < 0.001
    score = davis.score(tuple(objects))
    assert (len(objects), round(score.j.mean, 3), round(score.f.mean, 3)) == (10, 0.717, 0.685)


def test_the_published_measures_of_siammask_have_its_published_means():
    published = json.loads((GOLDEN / "davis_siammask.json").read_text())
    objects = [
        davis.ObjectScore(name, 1, np.arange(len(each["J"])), np.array(each["J"]), np.array(each["F"]))
        for name, each in published.items()
    ]

    score = davis.score(tuple(objects))

    assert (round(score.j.mean, 3), round(score.f.mean, 3)) == (0.717, 0.685)
