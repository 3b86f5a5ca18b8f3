import numpy as np
import pytest
import torch

from s2iammask_core import Box, RuntimeConfig, TrackerConfig
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.runtime.torch_tracker import make_tracker

CPU = torch.device("cpu")
LARGE = {"backbone": "resnet50", "memory": False}


def relative(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


@pytest.mark.parametrize(
    ("variant", "settings"), [("siammask_sharp", {}), ("s2iammask", LARGE), ("s2iammask", {})]
)
def test_a_prepared_network_computes_what_the_plain_one_does(
    random_network, patches, rois, outputs, variant, settings
):
    wanted = outputs(random_network(variant, **settings), patches, rois)

    prepared = PreparedNetwork(random_network(variant, **settings), CPU, torch.float32)
    found = outputs(prepared, patches, rois)

    assert found.keys() == wanted.keys()
    assert all(relative(found[name], wanted[name]) < 1e-5 for name in wanted)


def test_all_batch_norms_are_folded(random_network):
    prepared = PreparedNetwork(random_network(), CPU, torch.float32)

    assert not [each for each in prepared.module.modules() if isinstance(each, torch.nn.BatchNorm2d)]


@pytest.mark.parametrize("settings", [LARGE, {}])
def test_bf16_stays_near(random_network, patches, rois, outputs, settings):
    wanted = outputs(random_network(**settings), patches, rois)

    prepared = PreparedNetwork(random_network(**settings), CPU, torch.bfloat16)
    found = outputs(prepared, patches, rois)

    assert all(relative(found[name], wanted[name]) < 0.05 for name in wanted)


@pytest.mark.parametrize("memory", [False, True])
@pytest.mark.parametrize(("template", "search"), [(95, 127), (127, 159), (167, 199)])
def test_the_smallest_patches_that_the_settings_allow_hold_all_proposals(
    random_network, template, search, memory
):
    config = TrackerConfig(template_pixels=template, search_pixels=search, proposals=100)
    network = random_network("s2iammask", memory=memory)
    tracker = make_tracker(network, config, RuntimeConfig(device="cpu"))
    frame = np.random.default_rng(3).integers(0, 255, (120, 160, 3), np.uint8)

    tracker.start(frame, [Box(50, 40, 90, 80)])

    assert len(tracker.track(frame)) == 1
