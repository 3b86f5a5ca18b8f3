"""Samples of maps over regions, against those of torchvision."""

import pytest
import torch
from torchvision.ops import roi_align

from s2iammask_core.model import pooling
from s2iammask_core.model.pooling import DEEP, EARLY, pool

# inside, over an edge, all of the patch, hardly anything, and beyond it
ROIS = [[40.0, 60, 160, 180], [-30, 20, 70, 90.5], [0, 0, 255, 255], [99, 99, 100, 100.5], [300, 40, 400, 90]]
GRIDS = [(DEEP, 31), (EARLY[0], 125), (EARLY[1], 63)]


def aligned(features, rois, size, grid):
    """What torchvision's RoIAlign reads with one sample a cell."""
    numbers = torch.arange(len(rois)).float()[:, None, None].expand(-1, rois.shape[1], 1)
    table = torch.cat([numbers, rois - (grid.first - grid.stride / 2)], dim=2).flatten(0, 1)
    return roi_align(features, table, size, 1 / grid.stride, sampling_ratio=1, aligned=True)


@pytest.mark.parametrize(("grid", "cells"), GRIDS)
def test_a_region_reads_what_roi_align_reads_and_teaches_the_same_cells(grid, cells):
    torch.manual_seed(1)
    rois = torch.tensor(ROIS).expand(2, -1, -1) + torch.tensor([0.0, 3.3])[:, None, None]
    features = torch.randn(2, 3, cells, cells, requires_grad=True)
    wish = torch.randn(2 * len(ROIS), 3, 14, 14)

    found, wanted = (read(features, rois, 14, grid) for read in (pool, aligned))

    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    taught = [torch.autograd.grad((each * wish).sum(), features)[0] for each in (found, wanted)]
    torch.testing.assert_close(*taught, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("grid", "cells"), GRIDS)
def test_what_an_exported_graph_reads_is_the_same(grid, cells):
    torch.manual_seed(2)
    rois = torch.tensor(ROIS).expand(2, -1, -1) + torch.tensor([0.0, 3.3])[:, None, None]
    features = torch.randn(2, 3, cells, cells)

    found = pooling.aligned(features, rois, 14, grid)

    torch.testing.assert_close(found, pool(features, rois, 14, grid), rtol=1e-4, atol=1e-4)


def test_half_formats_lose_no_more_than_their_own_digits():
    features = torch.randn(1, 4, 31, 31)
    rois = torch.tensor([ROIS])

    found = pool(features.bfloat16(), rois, 28, DEEP)

    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), aligned(features, rois, 28, DEEP), rtol=0.05, atol=0.05)
