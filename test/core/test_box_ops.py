import pytest
import torch

from s2iammask_core.box_ops import box_iou, gathered, to_centers, to_corners
from s2iammask_core.boxes import Box


def test_tensor_and_scalar_overlaps_agree():
    first, second = Box(0, 0, 10, 10), Box(4, 2, 12, 9)

    found = box_iou(torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[4.0, 2, 12, 9]]))

    assert found.item() == pytest.approx(first.iou(second))


def test_corner_and_center_forms_are_inverse():
    corners = torch.tensor([[1.0, 2, 5, 10]])

    assert to_centers(corners).tolist() == [[3, 6, 4, 8]]
    assert to_corners(to_centers(corners)).tolist() == corners.tolist()


def test_rows_are_gathered_by_an_index_for_each_sample():
    rows = torch.arange(12.0).reshape(2, 3, 2)

    found = gathered(rows, torch.tensor([[2, 0], [1, 1]]))

    assert found.tolist() == [[[4, 5], [0, 1]], [[8, 9], [8, 9]]]
