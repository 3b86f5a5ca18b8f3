"""Masks as runs, as COCO counts them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from hypothesis.strategies import integers

from s2iammask_core import S2iamMaskError, mask_from_runs, mask_runs
from s2iammask_core.runs import frame_runs


def test_runs_go_down_the_columns_and_begin_with_background():
    mask = np.array([[0, 1, 1], [0, 1, 0]], bool)
    assert mask_runs(mask).tolist() == [2, 3, 1]


def test_a_mask_that_begins_with_the_object_has_no_background_before_it():
    assert mask_runs(np.ones((2, 3), bool)).tolist() == [0, 6]


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12)))
def test_runs_and_back_are_the_same_mask(mask):
    assert np.array_equal(mask_from_runs(mask_runs(mask), *mask.shape), mask)


@given(
    arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=6)), integers(0, 2), integers(0, 2)
)
def test_runs_in_a_frame_are_those_of_the_frame(mask, before, behind):
    frame = np.pad(mask, (before, behind))
    assert (
        frame_runs(mask, before, before, frame.shape).tolist() == mask_runs(frame).tolist() or not frame.size
    )


@pytest.mark.parametrize("runs", [[5], [2, 5], [-1, 7], [[6]], [3, 4]])
def test_runs_of_another_size_are_refused(runs):
    with pytest.raises(S2iamMaskError, match="3 x 2"):
        mask_from_runs(runs, 2, 3)


def test_coco_reads_the_same_runs():
    tools = pytest.importorskip("pycocotools.mask")
    mask = np.random.default_rng(0).random((30, 20)) > 0.5
    coded = tools.frPyObjects({"size": [30, 20], "counts": mask_runs(mask).tolist()}, 30, 20)
    assert np.array_equal(tools.decode(coded).astype(bool), mask)
