"""Network outputs against those of the original code, with weights made by a formula from each parameter's name."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from s2iammask_core.config import NetworkConfig
from s2iammask_core.model.checkpoint import convert_official
from s2iammask_core.model.mask_head import HEADS
from s2iammask_core.model.names import OFFICIAL_NAMES
from s2iammask_core.model.network import build_network

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"
SAMPLE = Path(__file__).resolve().parents[1] / "data" / "golden" / "network_sample.npz"
HEADS_GOLDEN = SAMPLE.with_name("s2_heads.npz")


def formula(name, shape):
    """The golden weight of an original parameter name."""
    x = (
        np.random.RandomState(zlib.crc32(name.encode()))
        .standard_normal(int(np.prod(shape)))
        .astype(np.float32)
    )
    x = torch.from_numpy(x).reshape(shape)
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape)
    if name.endswith("running_mean") or name.endswith("bias"):
        return 0.1 * x
    if name.endswith("running_var"):
        return 1 + 0.1 * x.abs()
    if len(shape) == 1:
        return (1 + 0.1 * x) * (0.2 if ".bn3." in name else 1)
    gain = 1 / 64 if name.endswith("conv1.weight") and shape[-1] == 7 else 1
    gain = 1 / 32 if ".head.0." in name or name.startswith("refine_model.deconv") else gain
    return x * float(np.sqrt(1 / np.prod(shape[1:]))) * gain


def original_name(own):
    for theirs, prefix in OFFICIAL_NAMES.items():
        if own.startswith(prefix):
            rest = own.removeprefix(prefix)
            return theirs + (rest.replace("shortcut.", "downsample.") if prefix == "backbone." else rest)
    raise AssertionError(own)


def golden_network(variant):
    shapes = {
        original_name(k): v.shape for k, v in build_network(NetworkConfig(variant)).state_dict().items()
    }
    return convert_official({k: formula(k, tuple(s)) for k, s in shapes.items()}, NetworkConfig(variant))


def relative(found, wanted):
    wanted = torch.as_tensor(wanted)
    return float((found - wanted).abs().max() / wanted.abs().max())


def golden(name):
    path = GOLDEN / f"{name}.npz"
    if not path.exists():
        pytest.skip("the full golden numbers are not on this machine")
    return np.load(path)


def rgb(images):
    return torch.from_numpy(images).float().flip(1)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("file", "variant"), [("net_rpn", "siammask_box"), ("net_base", "siammask_base"), ("net_sharp", "siammask_sharp")]
)
def test_scores_boxes_and_masks_equal_those_of_the_original(file, variant):
    numbers, network = golden(file), golden_network(variant)

    output = network.search(network.template(rgb(numbers["z"])), rgb(numbers["x"]))

    assert relative(output.scores.flatten(1, 2), numbers["cls"]) < 1e-4
    assert relative(output.deltas.flatten(1, 2), numbers["loc"]) < 1e-4
    if variant != "siammask_box":
        masks = numbers["mask_logits" if variant == "siammask_base" else "refine_logits"]
        for (row, column), mask in zip(numbers["mask_pos"].tolist(), masks, strict=True):
            cell = torch.tensor([row * output.scores.shape[-1] + column])
            assert relative(network.cell_masks(output, cell)[0], mask) < 1e-4


@torch.inference_mode()
@pytest.mark.parametrize("variant", ["siammask_box", "siammask_base", "siammask_sharp"])
def test_a_sample_of_the_golden_numbers_holds_on_any_machine(variant):
    sample, network = np.load(SAMPLE), golden_network(variant)

    output = network.search(network.template(rgb(sample["z"])), rgb(sample["x"]))

    assert relative(output.scores.flatten()[::97], sample["scores"]) < 1e-4
    assert relative(output.deltas.flatten()[::97], sample["deltas"]) < 1e-4
    if variant != "siammask_box":
        mask = network.cell_masks(output, torch.tensor([int(sample["cell"])]))
        assert relative(mask.flatten()[::61], sample[variant]) < 1e-4


@torch.inference_mode()
def test_the_padded_correlation_lies_on_the_grid_of_the_search_features():
    numbers, network = golden("net_sharp"), golden_network("siammask_sharp")
    search = network.neck(network.backbone(rgb(numbers["x"]))[-1])
    kernels = network.template(rgb(numbers["z"])).split(256, dim=1)[2]

    plain, padded = network.mask.correlate(kernels, search), network.mask.correlate(kernels, search, padding=3)

    assert padded.shape[-1] == search.shape[-1]
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
def test_second_stage_heads_equal_those_of_the_original(name):
    head = HEADS[name]().eval()
    state = {}
    for own, value in head.state_dict().items():
        prefix, theirs = next((p, t) for p, t in HEAD_NAMES[name].items() if own.startswith(p))
        state[own] = formula("mask_fcn." + theirs + own.removeprefix(prefix), tuple(value.shape))
    head.load_state_dict(state)
    pooled = np.random.RandomState(5).standard_normal((2, 256, head.pooled, head.pooled)).astype(np.float32)

    logits = head(torch.from_numpy(pooled))

    assert relative(logits, np.load(HEADS_GOLDEN)[name.upper()][:, 0]) < 1e-4


@pytest.mark.parametrize(("variant", "count"), [("siammask_box", 16_549_982), ("siammask_base", 18_816_735)])
def test_the_networks_have_as_many_parameters_as_the_originals(variant, count):
    assert sum(p.numel() for p in build_network(NetworkConfig(variant)).parameters()) == count
