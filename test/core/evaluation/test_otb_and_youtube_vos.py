import math

import numpy as np
import pytest

from s2iammask_core.evaluation import otb, youtube_vos
from s2iammask_core.evaluation.davis import ObjectScore


def test_perfect_boxes_succeed_at_every_threshold_but_the_last():
    boxes = np.array([(10.0, 10.0, 20.0, 30.0)] * 4)

    score = otb.score({"a": boxes}, {"a": boxes})

    assert score.auc == pytest.approx(20 / 21)  # an overlap of 1 is not above 1
    assert score.precision == 1


def test_precision_is_the_share_of_centres_within_twenty_pixels():
    truth = np.array([(0.0, 0.0, 10.0, 10.0)] * 3)
    answer = truth + np.array([(20.0, 0, 0, 0), (20.5, 0, 0, 0), (0, 3.0, 0, 0)])

    assert otb.score({"a": truth}, {"a": answer}).precision == pytest.approx(2 / 3)


def test_sequences_count_alike_however_long_they_are():
    box, far = np.array([(0.0, 0.0, 10.0, 10.0)]), np.array([(500.0, 0.0, 10.0, 10.0)] * 9)
    truths = {"short": box, "long": np.repeat(box, 9, axis=0)}

    score = otb.score(truths, {"short": box, "long": far})

    assert score.auc == pytest.approx(10 / 21)


def test_a_frame_without_a_true_box_is_never_a_success():
    truth = np.array([(0.0, 0.0, 10.0, 10.0), (0.0, 0.0, 0.0, 0.0), (math.nan,) * 4])
    answer = np.array([(0.0, 0.0, 10.0, 10.0)] * 3)

    score = otb.score({"a": truth}, {"a": answer})

    assert score.success_curve[0] == pytest.approx(1 / 3)
    assert score.precision == pytest.approx(1 / 3)


def object_score(name, number, j, f):
    return ObjectScore(name, number, np.arange(2), np.full(2, j), np.full(2, f))


def test_seen_and_unseen_categories_are_counted_apart():
    objects = (object_score("a", 1, 0.8, 0.6), object_score("a", 2, 0.4, 0.2), object_score("b", 1, 0.6, 0.4))
    categories = {("a", 1): "dog", ("a", 2): "camera", ("b", 1): "person"}

    score = youtube_vos.score(objects, categories)

    assert (score.j_seen, score.f_seen) == pytest.approx((0.7, 0.5))
    assert (score.j_unseen, score.f_unseen) == pytest.approx((0.4, 0.2))
    assert score.overall == pytest.approx(0.45)


def test_without_unseen_categories_the_others_make_the_mean():
    score = youtube_vos.score((object_score("a", 1, 0.8, 0.6),), {("a", 1): "dog"})

    assert math.isnan(score.j_unseen)
    assert score.overall == pytest.approx(0.7)


def test_the_training_set_has_65_categories():
    assert len(youtube_vos.SEEN_CATEGORIES) == 65
