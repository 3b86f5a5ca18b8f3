"""Network outputs against those of the original code; weights are a formula of each parameter's name."""

from pathlib import Path

import numpy as np
import pytest
import torch

from s2iammask_core.config import NetworkConfig
from s2iammask_core.geometry import PRIOR_CELLS
from s2iammask_core.model.mask_head import HEADS
from s2iammask_core.model.network import build_network

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "golden" / "network_sample.npz"
HEADS_GOLDEN = SAMPLE.with_name("s2_heads.npz")


def relative(found, wanted):
    wanted = torch.as_tensor(wanted)
    return float((found - wanted).abs().max() / wanted.abs().max())


def looked(network, templates, patches):
    """What a network without memory says of pairs of patches."""
    kernels = network.template(templates, torch.zeros_like(templates[:, 0]))
    return network.search(kernels, patches, torch.zeros(len(patches), PRIOR_CELLS, PRIOR_CELLS))


def search(network, numbers):
    return looked(network, numbers["z"], numbers["x"])


@torch.inference_mode()
@pytest.mark.parametrize(
    ("file", "variant"),
    [("net_rpn", "siammask_box"), ("net_base", "siammask_base"), ("net_sharp", "siammask_sharp")],
)
def test_scores_boxes_and_masks_equal_those_of_the_original(golden_numbers, golden_network, file, variant):
    numbers, network = golden_numbers(file), golden_network(variant)

    output = search(network, numbers)

    assert relative(output.scores.flatten(1, 2), numbers["cls"]) < 1e-4
    assert relative(output.deltas.flatten(1, 2), numbers["loc"]) < 1e-4
    if variant != "siammask_box":
        masks = numbers["mask_logits" if variant == "siammask_base" else "refine_logits"]
        for (row, column), mask in zip(numbers["mask_pos"].tolist(), masks, strict=True):
            cell = torch.tensor([row * output.scores.shape[-1] + column])
            assert relative(network.cell_masks(output, cell)[0], mask) < 1e-4


@torch.inference_mode()
@pytest.mark.parametrize("variant", ["siammask_box", "siammask_base", "siammask_sharp"])
def test_a_sample_of_the_golden_numbers_holds_on_any_machine(golden_network, variant):
    sample, network = dict(np.load(SAMPLE)), golden_network(variant)
    images = {name: torch.from_numpy(sample[name]).float().flip(1) for name in ("z", "x")}

    output = search(network, images)

    assert relative(output.scores.flatten()[::97], sample["scores"]) < 1e-4
    assert relative(output.deltas.flatten()[::97], sample["deltas"]) < 1e-4
    if variant != "siammask_box":
        mask = network.cell_masks(output, torch.tensor([int(sample["cell"])]))
        assert relative(mask.flatten()[::61], sample[variant]) < 1e-4


@torch.inference_mode()
def test_the_padded_correlation_lies_on_the_grid_of_the_search_features(golden_numbers, golden_network):
    numbers, network = golden_numbers("net_sharp"), golden_network("siammask_sharp")
    features = network.neck(network.backbone(numbers["x"])[-1])
    templates = network.template(numbers["z"], torch.zeros_like(numbers["z"][:, 0]))
    kernels = network.kernels_of(templates).split(256, dim=1)[2]

    plain = network.mask.correlate(kernels, features)
    padded = network.mask.correlate(kernels, features, padding=3)

    assert padded.shape[-1] == features.shape[-1]
    torch.testing.assert_close(padded[..., 3:-3, 3:-3], plain)
    assert relative(padded[0, :, 15, 15], numbers["corr_pad3_15_15"]) < 1e-4


HEAD_NAMES = {
    "g1": {f"convs.{3 * i}.": f"conv{i + 1}." for i in range(4)}
    | {f"convs.{3 * i + 1}.": f"bn{i + 1}." for i in range(4)}
    | {"up.": "deconv.", "out.": "conv5."},
    "g2": {
        "down1.": "h_conv1.",
        "down2.": "h_conv2.",
        "side1.": "v_conv1.",
        "side2.": "v_conv2.",
        "up1.": "deconv1.",
        "up2.": "deconv2.",
        "out.": "conv3.",
    },
}


@torch.inference_mode()
@pytest.mark.parametrize("name", ["g1", "g2"])
def test_second_stage_heads_equal_those_of_the_original(golden_weight, name):
    head = HEADS[name](256).eval()
    state = {}
    for own, value in head.state_dict().items():
        prefix, theirs = next((p, t) for p, t in HEAD_NAMES[name].items() if own.startswith(p))
        state[own] = golden_weight("mask_fcn." + theirs + own.removeprefix(prefix), tuple(value.shape))
    head.load_state_dict(state)
    pooled = np.random.RandomState(5).standard_normal((2, 256, head.pooled, head.pooled)).astype(np.float32)

    logits = head(torch.from_numpy(pooled))

    assert relative(logits, np.load(HEADS_GOLDEN)[name.upper()][:, 0]) < 1e-4


@pytest.mark.parametrize(("variant", "count"), [("siammask_box", 16_549_982), ("siammask_base", 18_816_735)])
def test_the_networks_have_as_many_parameters_as_the_originals(variant, count):
    assert sum(p.numel() for p in build_network(NetworkConfig(variant)).parameters()) == count
