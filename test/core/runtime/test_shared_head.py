import pytest
import torch

from s2iammask_core.model.mask_head import RegionInputs
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.runtime.shared_head import SharedRegionMasks, share_first_layers

CPU = torch.device("cpu")
ROIS = torch.tensor([[[40.0, 60, 160, 180], [0, 0, 255, 255], [200, 3, 255, 90], [100, 100, 101, 101]]])


def relative(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


def maps(dtype):
    generator = torch.Generator().manual_seed(2)
    return tuple(torch.randn(3, 256, 31, 31, generator=generator).to(dtype) for _ in range(2))


COARSE = {"backbone": "resnet50", "mask_detail": False, "memory": False}


@torch.inference_mode()
def test_detail_is_added_as_by_the_plain_head(random_network):
    rois = ROIS.expand(3, -1, -1)
    early = torch.rand(3, 16, 125, 125), torch.rand(3, 24, 63, 63)
    plain = PreparedNetwork(random_network(backbone="resnet50", memory=False), CPU, torch.float32).module
    inputs = RegionInputs(maps(torch.float32), early)
    wanted = plain.region_masks(inputs, rois)

    share_first_layers(plain)

    assert relative(plain.region_masks(inputs, rois), wanted) < 1e-4


@torch.inference_mode()
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.03)])
def test_masks_are_those_of_the_plain_head(random_network, dtype, tolerance):
    rois = ROIS.expand(3, -1, -1) + torch.tensor([0.0, 3.3, -2.1])[:, None, None]
    plain = PreparedNetwork(random_network(**COARSE), CPU, torch.float32).module
    wanted = plain.region_masks(RegionInputs(maps(torch.float32)), rois)
    module = PreparedNetwork(random_network(**COARSE), CPU, dtype).module

    share_first_layers(module)

    assert isinstance(module.region_masks, SharedRegionMasks)
    assert relative(module.region_masks(RegionInputs(maps(dtype)), rois).float(), wanted) < tolerance


def test_other_heads_are_left_as_they_are(random_network):
    for network in (random_network(mask_head="g1", memory=False), random_network("siammask_box")):
        before = [type(each) for each in network.modules()]

        share_first_layers(network)

        assert [type(each) for each in network.modules()] == before
