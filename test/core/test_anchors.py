import torch

from s2iammask_core.anchors import AnchorShape, anchor_grid, decode, encode


def test_decoding_undoes_encoding():
    anchors, targets = anchor_grid(5), torch.tensor([[3.0, -4, 50, 60]])

    torch.testing.assert_close(decode(encode(targets, anchors), anchors), targets.expand(125, 4))


def test_anchor_sizes_are_those_of_siammask():
    assert AnchorShape().sizes() == [(104, 32), (88, 40), (64, 64), (40, 80), (32, 96)]


def test_anchors_run_over_shape_row_and_column():
    grid = anchor_grid(25)

    assert grid[0].tolist() == [-96, -96, 104, 32]
    assert grid[1].tolist() == [-88, -96, 104, 32]
    assert grid[25].tolist() == [-96, -88, 104, 32]
    assert grid[-1].tolist() == [96, 96, 32, 96]
