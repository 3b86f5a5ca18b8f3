import pytest
import torch

from s2iammask_core.model.backbone import Bottleneck
from s2iammask_core.model.mask_head import Detail
from s2iammask_core.runtime.joined import EVEN, JoinedBottleneck, JoinedDetail, join_convolutions
from s2iammask_core.runtime.prepare import PreparedNetwork, fold_batch_norm


def kinds(network):
    return {type(each) for each in network.modules()}


@pytest.mark.parametrize("settings", [{}, {"backbone": "resnet50"}])
def test_a_network_with_joined_convolutions_answers_the_same(
    random_network, patches, rois, outputs, settings
):
    wanted = outputs(random_network(**settings), patches, rois)
    network = random_network(**settings)

    fold_batch_norm(network)
    join_convolutions(network)
    found = outputs(network, patches, rois)

    assert {JoinedBottleneck, JoinedDetail} < kinds(network)
    for name in wanted:
        assert (found[name] - wanted[name]).norm() < 1e-5 * wanted[name].norm()


def test_what_cannot_be_joined_stays(random_network):
    prepared = PreparedNetwork(
        random_network(backbone="resnet50", memory=False), torch.device("cpu"), torch.float32
    )

    assert {Bottleneck, Detail} < kinds(prepared.module)  # other blocks have no shortcut, or one of 3x3
    assert JoinedDetail not in kinds(prepared.module)


def test_early_maps_have_channels_as_they_are_sampled_fastest(random_network):
    network = random_network()
    fold_batch_norm(network)

    join_convolutions(network)

    assert [conv.out_channels % EVEN for conv in network.region_masks.detail.early] == [0, 0]
