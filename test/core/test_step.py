"""The step as a pure function: what it packs, and that it can be captured."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from s2iammask_core import Box, TrackerConfig
from s2iammask_core.tracking.answer import FIGURES, answers, unpacked
from s2iammask_core.tracking.eager import EagerRunner
from s2iammask_core.tracking.network import SearchOutput
from s2iammask_core.tracking.runner import Search
from s2iammask_core.tracking.settings import StepSettings
from s2iammask_core.tracking.step import packed, patches_in, step
from s2iammask_core.tracking.target import Target
from s2iammask_core.tracking.windows import aim_at

CONFIG = TrackerConfig()
SETTINGS = StepSettings.of(CONFIG)


def targets(count):
    return tuple(
        Target(k, 70.0 + 5 * k, 65.0, 40.0, 30.0, Box(50, 50, 90, 80), (1.0, 2.0, 3.0)) for k in range(count)
    )


def packed_aim(count):
    return torch.from_numpy(aim_at(targets(count), CONFIG).packed())


class ShapesOnly:
    """A network of tensors without memory: whatever asks for a value fails."""

    device = torch.device("meta")

    def __init__(self, mask_source):
        self.mask_source = mask_source

    def search(self, templates, patches, prior):
        count = len(patches)
        scores, deltas = (torch.empty(count, k, 5, 25, 25, device="meta") for k in (2, 4))
        return SearchOutput(scores, deltas, ())

    def roi_masks(self, output, rois):
        return torch.empty(*rois.shape[:2], 28, 28, device="meta")

    def cell_masks(self, output, cells):
        return torch.empty(len(cells), 127, 127, device="meta")


@pytest.mark.parametrize(("source", "pixels"), [("roi", 255 * 255), ("cell", 255 * 255), ("none", 0)])
@pytest.mark.parametrize("nms", [1.0, 0.7])
def test_a_step_has_static_shapes_and_never_asks_the_device_for_a_value(source, pixels, nms):
    store = torch.empty(480 * 640, 3, dtype=torch.uint8, device="meta")
    aim, frames = packed_aim(3).to("meta"), torch.empty(3, 3, dtype=torch.int32, device="meta")
    settings = replace(SETTINGS, proposal_nms=nms)

    patches = patches_in(store, frames, settings, aim)
    output = step(ShapesOnly(source), settings, patches, torch.empty(3, 1, device="meta"), aim)

    answer = packed(output)
    assert (answer.shape, answer.dtype) == ((3, 4 * FIGURES + 2 * pixels), torch.uint8)


@pytest.mark.parametrize("source", ["roi", "cell"])
def test_a_step_in_the_frame_answers_as_one_on_patches_cut_by_the_host(make_network, scene, colours, source):
    network, frame = make_network(source), scene((55, 52, 40, 30, colours[0]))
    kernels = torch.tensor(colours[0]).float().expand(2, -1)

    host = EagerRunner(network).run(CONFIG, [Search(frame, kernels, aim_at(targets(2), CONFIG))])
    pixels, frames = torch.from_numpy(frame.reshape(-1, 3)), torch.tensor([[0, *frame.shape[:2]]] * 2)
    patches = patches_in(pixels, frames, SETTINGS, packed_aim(2))
    device = answers(*(part.numpy() for part in step(network, SETTINGS, patches, kernels, packed_aim(2))))

    for one, other in zip(host, device, strict=True):
        assert one.box == pytest.approx(other.box, abs=1.1)
        assert one.best == other.best
        assert (
            np.minimum(one.levels, other.levels).sum() / np.maximum(one.levels, other.levels).sum()
        ) > 0.97


def test_a_packed_answer_is_read_back(make_network, colours):
    network = make_network()
    patch = torch.full((1, 3, 255, 255), 100.0)
    patch[0, :, 100:140, 90:160] = torch.tensor(colours[0]).float()[:, None, None]
    kernels = torch.tensor(colours[0]).float()[None]

    (answer,) = unpacked(packed(step(network, SETTINGS, patch, kernels, packed_aim(1))).numpy())

    assert answer.box == pytest.approx((90, 100, 160, 140), abs=0.01)
    assert answer.score > 0.9
    assert answer.rate <= answer.score
    assert answer.voters == 10
    assert answer.levels[120, 120] == 10
    assert answer.levels[10, 10] == 0
