"""Networks with a memory of pixels answer alike however they run."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from s2iammask_core import Box, Tracker, load_tracker
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.geometry import PRIOR_CELLS, Crop
from s2iammask_core.runtime.export import ONNX, Subject, export
from s2iammask_core.runtime.exported import read_description
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.runtime.shared_head import SharedRegionMasks, share_first_layers
from s2iammask_core.runtime.winograd import WinogradConv2d, use_winograd
from s2iammask_core.tracking.eager import EagerRunner
from s2iammask_core.tracking.first_frame import region_of
from s2iammask_core.tracking.runner import Search
from s2iammask_core.tracking.s2iammask import S2iamMaskMethod
from s2iammask_core.tracking.target import Target
from s2iammask_core.tracking.windows import aim_at

ROOT = Path(__file__).resolve().parents[3]
CPU = torch.device("cpu")
CONFIG = TrackerConfig(mask_regions=0)  # without a choice of regions, which the last digit may turn
ON_CPU = RuntimeConfig(device="cpu", precision="fp32")
GREY = (120.0, 120.0, 120.0)


def relative(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


@pytest.fixture
def frame():
    return np.random.default_rng(2).integers(0, 255, (200, 260, 3), np.uint8)


@pytest.fixture(scope="module")
def network(calm_network):
    return calm_network()


@pytest.fixture(scope="module")
def exported(calm_network, tmp_path_factory):
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("exported")
    export(Subject(calm_network(), {}), folder, ONNX, CONFIG)
    return folder


def target(number, frame):
    """A target whose mask is the left half of its box."""
    x, y = 70 + 50 * number, 60 + 30 * number
    mask = np.zeros(frame.shape[:2], np.bool_)
    mask[y - 20 : y + 20, x - 30 : x] = True
    return Target(number, x, y, 60, 40, Box.from_center(x, y, 60, 40), GREY, shape=region_of(mask))


def look(runner, frame, count, *, shaped=True):
    """What a runner remembers of targets, with their masks or without, and what it says about them then."""
    targets = tuple(target(number, frame) for number in range(count))
    kernels = S2iamMaskMethod(runner).templates(frame, targets, CONFIG, shaped=shaped)
    return kernels, runner.run(CONFIG, [Search(frame, kernels, aim_at(targets, CONFIG))])


@torch.inference_mode()
def test_memory_and_prior_decide_about_masks_but_not_about_boxes(network, patches, rois):
    templates, search = (each[:1] for each in patches)
    blank, drawn = torch.zeros_like(templates[:, 0]), torch.zeros_like(templates[:, 0])
    drawn[:, 40:90, 30:80] = 1
    nowhere, somewhere = torch.zeros(1, PRIOR_CELLS, PRIOR_CELLS), torch.ones(1, PRIOR_CELLS, PRIOR_CELLS)

    found = [
        network.search(network.template(templates, mask), search, prior)
        for mask, prior in ((drawn, somewhere), (blank, somewhere), (drawn, nowhere))
    ]

    masks = [network.roi_masks(each, rois[:1]) for each in found]
    for other, mask in zip(found[1:], masks[1:], strict=True):
        torch.testing.assert_close((other.scores, other.deltas), (found[0].scores, found[0].deltas))
        assert relative(mask, masks[0]) > 1e-3, relative(mask, masks[0])


def test_a_template_has_the_memory_behind_its_kernels(network, frame):
    with_memory, _ = look(EagerRunner(network), frame, 2)
    without, _ = look(EagerRunner(network), frame, 2, shaped=False)

    memory = network.memory_values
    assert with_memory.shape == (2, 3 * 64 * 25 + memory)
    assert torch.equal(with_memory[:, :-memory], without[:, :-memory])
    assert with_memory[:, -memory:].any()
    assert not without[:, -memory:].any()


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_each_engine_remembers_and_answers_as_pytorch_for_any_number_of_targets(
    network, frame, exported, graphs, engine
):
    runners = (graphs(exported, engine), EagerRunner(network))

    for count in (1, 3):
        (kernels, found), (wanted_kernels, wanted) = (look(runner, frame, count) for runner in runners)
        assert relative(torch.from_numpy(kernels), wanted_kernels) < 1e-4
        for one, other in zip(found, wanted, strict=True):
            assert one.best == other.best
            assert one.score == pytest.approx(other.score, abs=1e-3)
            assert np.count_nonzero(one.levels != other.levels) <= 0.001 * other.levels.size
    assert read_description(exported).memory_values == network.memory_values


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_each_engine_fills_boxes_as_pytorch_does(network, frame, exported, graphs, engine, mirrored):
    targets = tuple(target(number, frame) for number in range(3))
    eager, other = S2iamMaskMethod(EagerRunner(network)), S2iamMaskMethod(graphs(exported, engine))

    crops, wanted = eager.first_masks(frame, targets, CONFIG, mirrored=mirrored)
    _, found = other.first_masks(frame, targets, CONFIG, mirrored=mirrored)

    assert found.shape == (3, crops.pixels, crops.pixels)
    assert wanted.std() > 1e-3
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_a_first_mask_with_its_mirror_image_is_the_mean_of_both(network, frame):
    runner, shape = EagerRunner(network), (1, network.first_pixels, network.first_pixels)
    crop = Crop(np.array([[60.0, 50.0]]), np.array([80.0]), network.first_pixels)
    mirror = Crop(np.array([[frame.shape[1] - 60.0, 50.0]]), np.array([80.0]), network.first_pixels)
    border, boxes = np.zeros((1, 3)), np.zeros(shape, np.float32)
    boxes[:, 60:180, 80:150] = 0.5
    flipped = np.ascontiguousarray(frame[:, ::-1]), mirror, border, np.ascontiguousarray(boxes[:, :, ::-1])

    both = runner.first_masks(frame, crop, border, boxes, mirrored=True)
    one = runner.first_masks(frame, crop, border, boxes, mirrored=False)
    other = runner.first_masks(*flipped, mirrored=False)[:, :, ::-1]

    assert np.abs(one - other).max() > 1e-4
    np.testing.assert_allclose(both, (one + other) / 2, atol=1e-3)


@torch.inference_mode()
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.05)])
def test_shared_layers_and_winograd_convolutions_leave_what_is_recalled(
    random_network, patches, rois, outputs, dtype, tolerance
):
    few = tuple(each[:2] for each in patches), rois[:2]
    wanted = outputs(random_network(backbone="resnet50"), *few)
    prepared = PreparedNetwork(random_network(backbone="resnet50"), CPU, dtype)
    share_first_layers(prepared.module)
    use_winograd(prepared.module)
    use_winograd(prepared.searches)

    found = outputs(prepared, *few)

    modules = [type(each) for each in prepared.module.modules()]
    assert {SharedRegionMasks, WinogradConv2d} <= set(modules)
    assert all(relative(found[name], wanted[name]) < tolerance for name in wanted)


TRACKING = """
import json
import numpy as np
from s2iammask_core import Box, RuntimeConfig, TrackerConfig, load_tracker
given = np.load({given!r})
runtime = RuntimeConfig(device="cpu", precision="fp32")
tracker = load_tracker({folder!r}, config=TrackerConfig(mask_regions=0), runtime=runtime)
tracker.start(given["frames"][0], [Box(50, 40, 90, 80), given["mask"]])
tracks = [tracker.track(frame) for frame in given["frames"][1:]]
print(json.dumps([[(each.score, each.box.xywh, int(each.mask.area)) for each in both] for both in tracks]))
"""


def test_an_exported_network_remembers_without_pytorch(network, exported, without_pytorch, tmp_path):
    frames = np.random.default_rng(4).integers(0, 255, (3, 120, 160, 3), np.uint8)
    mask = np.zeros((120, 160), np.bool_)
    mask[60:100, 90:130] = True
    np.savez(tmp_path / "given.npz", frames=frames, mask=mask)
    program = TRACKING.format(given=str(tmp_path / "given.npz"), folder=str(exported))

    done = subprocess.run(without_pytorch(program), cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    tracker = Tracker.of(network, CONFIG)
    tracker.start(frames[0], [Box(50, 40, 90, 80), mask])
    for found, frame in zip(json.loads(done.stdout), frames[1:], strict=True):
        for (score, xywh, area), wanted in zip(found, tracker.track(frame), strict=True):
            assert score == pytest.approx(wanted.score, abs=1e-2)
            assert xywh == pytest.approx(wanted.box.xywh, abs=0.5)
            assert area == pytest.approx(wanted.mask.area, rel=0.02, abs=5)


def test_an_exported_network_is_loaded_with_its_memory(exported):
    tracker = load_tracker(exported, config=CONFIG, runtime=ON_CPU)
    frame = np.random.default_rng(4).integers(0, 255, (120, 160, 3), np.uint8)
    mask = np.zeros((120, 160), np.bool_)
    mask[60:100, 90:130] = True

    tracker.start(frame, [mask])

    assert (tracker.targets[0].shape.full(120, 160) == mask).all()
