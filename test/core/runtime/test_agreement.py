"""Every way of running gives the same answer on real frames, with the weights that come with the package."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from s2iammask_core import Tracker, load_tracker
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.model import checkpoint
from s2iammask_core.runtime import torch_tracker, weights_file
from s2iammask_core.runtime.compiled import CompiledNetwork, has_compiler

VAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "davis" / "val"
SEQUENCES = ("blackswan", "bmx-trees", "camel", "car-shadow", "drift-straight", "goat", "libby")
GAP = 4  # frames between start and look
IOU = 0.97  # mean over the scenes
WORST = 0.93  # half formats may turn the choice of regions, and move a small object's outline by this much

pytestmark = pytest.mark.skipif(not weights_file().is_file(), reason="the weights are not in this checkout")
on_frames = pytest.mark.skipif(not VAL.is_dir(), reason="the DAVIS frames are not on this machine")
compiles = pytest.mark.skipif(not has_compiler(), reason="there is no C++ compiler")


def picture(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


@cache
def scenes():
    """A start frame, its mask, and a later frame of each sequence."""
    found = []
    for name in SEQUENCES:
        frames = sorted((VAL / "JPEGImages" / "480p" / name).glob("*.jpg"))
        mask = cv2.imread(str(VAL / "Annotations" / "480p" / name / f"{frames[0].stem}.png"), 0) > 0
        found.append((picture(frames[0]), mask, picture(frames[GAP])))
    return found


def answers(tracker):
    """The track of each scene."""
    tracks = []
    for start, mask, later in scenes():
        (name,) = tracker.start(start, [mask])
        tracks += tracker.track(later)
        tracker.stop([name])
    return tracks


def tracker(weights="", config=TrackerConfig(), **runtime):
    return load_tracker(weights, config=config, runtime=RuntimeConfig(**{"device": "cpu", **runtime}))


@cache
def wanted(config=TrackerConfig()):
    """The answers of the network as it was trained: eager, fp32, nothing folded or shared."""
    return answers(Tracker.of(checkpoint.load(weights_file())[0], config))


def overlap(one, other):
    height, width, _ = scenes()[0][0].shape
    first, second = one.mask.full(height, width), other.mask.full(height, width)
    return (first & second).sum() / max((first | second).sum(), 1)


def assert_agree(found):
    overlaps = [overlap(*pair) for pair in zip(found, wanted(), strict=True)]
    assert np.mean(overlaps) >= IOU
    assert min(overlaps) >= WORST
    for track, right in zip(found, wanted(), strict=True):
        assert right.mask.area > 100
        assert track.score == pytest.approx(right.score, abs=0.05)  # of the same proposal


@on_frames
def test_fp32_agrees_however_its_convolutions_are_computed():
    # without a choice of regions, which the last digit of a score may turn
    config = TrackerConfig(mask_regions=0)

    found = answers(tracker(config=config, runtime="eager", precision="fp32"))

    assert_agree(answers(tracker(runtime="eager", precision="fp32")))
    assert min(overlap(*pair) for pair in zip(found, wanted(config), strict=True)) > 0.999


@on_frames
def test_bf16_agrees():
    assert_agree(answers(tracker(runtime="eager", precision="bf16")))


@on_frames
def test_onnxruntime_agrees():
    pytest.importorskip("onnxruntime")

    assert_agree(answers(tracker(runtime="onnxruntime")))


@on_frames
@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_openvino_agrees(precision):
    assert_agree(answers(tracker(runtime="openvino", precision=precision)))


@pytest.fixture(scope="module")
def compiled():
    """A tracker that Inductor compiled, which takes a minute; its network before that and after."""
    networks = []

    def noted(network):
        networks.extend([network, CompiledNetwork(network)])
        return networks[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch_tracker, "CompiledNetwork", noted)
        return tracker(runtime="compiled", precision="fp32"), *networks


@on_frames
@compiles
@pytest.mark.slow
def test_what_is_compiled_agrees(compiled):
    assert_agree(answers(compiled[0]))


@compiles
@pytest.mark.slow
@torch.inference_mode()
def test_what_inductor_compiles_computes_the_same(compiled, patches, rois, outputs):
    """As a tracker gives them to it, for others are compiled anew."""
    templates, search = (each.contiguous(memory_format=torch.channels_last) for each in patches)
    three = torch.cat([rois, rois[:, :1] + 8], dim=1)

    wanted, found = (outputs(network, (templates, search), three) for network in compiled[1:])

    for name, right in wanted.items():  # of a whole output: single logits near zero are sums of large ones
        assert float((found[name] - right).norm() / right.norm()) < 1e-4, name


@on_frames
@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("runtime", ["eager", "graph", "compiled"])
@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16"])
def test_a_gpu_agrees(runtime, precision):
    assert_agree(answers(tracker(device="cuda", runtime=runtime, precision=precision)))


@on_frames
def test_the_scenes_show_one_object_each():
    assert all(np.count_nonzero(mask) > 1000 for _, mask, _ in scenes())
