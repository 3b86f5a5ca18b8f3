"""Regions read the cells that they cover."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from s2iammask_core.config import NetworkConfig
from s2iammask_core.model.mask_head import RegionInputs, doubling
from s2iammask_core.model.network import build_network
from s2iammask_core.model.pooling import DEEP, EARLY, pool

COARSE = NetworkConfig(mask_detail=False, memory=False)
CELL_CENTERS = torch.arange(31) * 8 + 7.5  # continuous patch pixels


def test_a_region_around_the_middle_of_the_patch_reads_around_the_middle_cell():
    features = torch.zeros(1, 1, 31, 31)
    features[0, 0, 15, 15] = 1

    pooled = pool(features, torch.tensor([[[127.5 - 28, 127.5 - 28, 127.5 + 28, 127.5 + 28]]]), 7, DEEP)

    assert pooled[0, 0, 3, 3] == 1
    assert pooled.sum() == 1


def test_pooling_is_exact_on_a_ramp():
    ramp = CELL_CENTERS.expand(1, 1, 31, 31)  # each cell holds its own place
    left, right = 40.0, 96.0

    pooled = pool(ramp, torch.tensor([[[left, 60.0, right, 116.0]]]), 28, DEEP)

    wanted = left + (torch.arange(28) + 0.5) * (right - left) / 28
    torch.testing.assert_close(pooled[0, 0, 0], wanted)


@torch.inference_mode()
def test_the_logits_of_both_inputs_are_summed():
    torch.manual_seed(2)
    both = build_network(COARSE)
    maps = torch.rand(2, 64, 31, 31), torch.rand(2, 64, 31, 31)
    rois = torch.tensor([[[40.0, 50, 150, 160], [10, 20, 90, 80]]]).expand(2, -1, -1)

    summed = both.region_masks(RegionInputs(maps), rois)

    apart = sum(both.region_masks(RegionInputs((each,)), rois) for each in maps)
    torch.testing.assert_close(summed, apart)


@torch.inference_mode()
def test_targets_of_a_batch_do_not_see_each_other():
    torch.manual_seed(2)
    network = build_network(replace(COARSE, mask_head="g1"))
    maps = torch.rand(3, 64, 31, 31), torch.rand(3, 64, 31, 31)
    rois = torch.rand(3, 4, 2).mul(100).repeat(1, 1, 2) + torch.tensor([0.0, 0, 80, 90])

    together = network.region_masks(RegionInputs(maps), rois)

    alone = network.region_masks(RegionInputs((maps[0][1:2], maps[1][1:2])), rois[1:2])
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_early_features_lie_where_the_backbone_sees_them():
    patch = torch.zeros(1, 3, 255, 255)
    patch[..., 120:] = 200  # an edge at x = 120
    network = build_network(NetworkConfig("s2iammask"))
    network.backbone.conv1.weight.data.fill_(1 / 147)
    roi = torch.tensor([[[92.0, 92, 148, 148]]])  # 56 pixels, the edge in its middle

    early = network.backbone(patch)[:1]

    row = pool(early[0], roi, 56, EARLY[0])[0, 0, 28].tolist()
    assert row[18] == pytest.approx(0, abs=1e-3)
    assert row[27] + row[28] == pytest.approx(row[-1], rel=0.01)


@torch.inference_mode()
@pytest.mark.parametrize("head", ["g1", "g2"])
def test_detail_makes_masks_of_twice_the_resolution_and_begins_with_the_coarse_ones(head):
    torch.manual_seed(2)
    network = build_network(NetworkConfig("s2iammask", mask_head=head, memory=False))
    templates, patches = torch.rand(2, 192 * 25), torch.rand(2, 3, 255, 255) * 255
    rois = torch.tensor([[[40.0, 50, 150, 160], [10, 20, 90, 80]]]).expand(2, -1, -1)
    network.region_masks.detail.out.weight.zero_()
    network.region_masks.detail.out.bias.zero_()

    output = network.search(templates, patches, torch.zeros(2, 64, 64))
    masks = network.roi_masks(output, rois)

    network.region_masks.detail = None
    coarse = network.roi_masks(replace(output, features=RegionInputs(output.features.maps)), rois)
    assert masks.shape == (2, 2, 56, 56)
    doubled = torch.nn.functional.interpolate(coarse, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(masks, doubled)


def test_doubled_maps_are_bilinear_to_their_edges():
    maps = torch.rand(2, 28, 28)

    wanted = F.interpolate(maps[:, None], scale_factor=2.0, mode="bilinear", align_corners=False)[:, 0]

    torch.testing.assert_close(doubling(28) @ maps @ doubling(28).T, wanted)
