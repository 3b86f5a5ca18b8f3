"""Losses against those of the original code, and their edges."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from s2iammask_core.geometry import PRIOR_CELLS
from s2iammask_core.training import losses
from s2iammask_core.training.targets import AnchorLabels, Regions, mask_windows


def looked(network, templates, patches):
    """What a network without memory says of pairs of patches."""
    kernels = network.template(templates, torch.zeros_like(templates[:, 0]))
    return network.search(kernels, patches, torch.zeros(len(patches), PRIOR_CELLS, PRIOR_CELLS))


def labels_of(numbers):
    classes = torch.from_numpy(numbers["label_cls"]).long().flatten(1)
    deltas = torch.from_numpy(numbers["label_loc"]).flatten(2).transpose(1, 2)
    return AnchorLabels(classes, deltas, torch.from_numpy(numbers["label_loc_weight"]).flatten(1))


def windows_of(numbers):
    sample, rows, columns = (torch.from_numpy(numbers["label_mask_weight"])[:, 0] == 1).nonzero(as_tuple=True)
    mask = torch.from_numpy(numbers["label_mask"])[:, 0] == 1
    labelled = SimpleNamespace(mask=mask, unknown=torch.zeros_like(mask))
    cells = numbers["label_mask_weight"].shape[-1]
    return sample, rows, columns, mask_windows(labelled, sample, rows, columns, cells)


def regions_of(masks, weights, known=None):
    """Regions (N, R) whose place does not matter."""
    known = torch.ones_like(masks) if known is None else known
    return Regions(torch.zeros(*masks.shape[:2], 4), masks, known, torch.tensor(weights))


@torch.inference_mode()
@pytest.mark.parametrize(("file", "variant"), [("net_rpn", "siammask_box"), ("net_base", "siammask_base")])
def test_first_stage_losses_equal_those_of_the_original(golden_numbers, golden_network, file, variant):
    numbers, network = golden_numbers(file), golden_network(variant)

    output = looked(network, numbers["train_z"], numbers["train_x"])
    found = [
        losses.score_loss(output.scores, labels_of(numbers)),
        losses.box_loss(output.deltas, labels_of(numbers)),
    ]

    np.testing.assert_allclose([float(each) for each in found], numbers["losses"][:2], rtol=1e-4)


@torch.inference_mode()
def test_the_mask_loss_of_siammask_base_equals_that_of_the_original(golden_numbers, golden_network):
    numbers, network = golden_numbers("net_base"), golden_network("siammask_base")
    output = looked(network, numbers["train_z"], numbers["train_x"])
    sample, rows, columns, windows = windows_of(numbers)

    vectors = network.mask.head.hidden(output.features[0])[sample, :, rows, columns]
    logits = network.mask.head[-1](vectors[:, :, None, None]).reshape(-1, 1, 63, 63)
    logits = torch.nn.functional.interpolate(logits, size=127, mode="bilinear", align_corners=True)[:, 0]

    assert float(losses.mask_loss(logits, windows)) == pytest.approx(numbers["losses"][2], rel=1e-4)


@torch.inference_mode()
def test_the_mask_loss_of_siammask_sharp_equals_that_of_the_original(golden_numbers, golden_network):
    numbers, network = golden_numbers("net_sharp"), golden_network("siammask_sharp")
    output = looked(network, numbers["train_z"], numbers["train_x"])
    sample, rows, columns, windows = windows_of(numbers)
    correlation, *skips = output.features

    from s2iammask_core.model.refine import all_windows

    picked = (sample * 3 + rows) * 3 + columns
    vectors = correlation.permute(0, 2, 3, 1).flatten(0, 2)[picked]
    logits = network.refine(vectors, tuple(all_windows(f, level)[picked] for level, f in enumerate(skips)))

    assert float(losses.mask_loss(logits, windows)) == pytest.approx(numbers["losses"][2], rel=1e-4)


def test_a_batch_without_positives_costs_nothing_and_has_a_gradient():
    scores = torch.zeros(2, 2, 5, 3, 3, requires_grad=True)
    nothing = AnchorLabels(torch.full((2, 45), -1), torch.zeros(2, 45, 4), torch.zeros(2, 45))

    loss = losses.score_loss(scores, nothing)
    loss.backward()

    assert float(loss.detach()) == 0
    assert torch.isfinite(scores.grad).all()


def test_an_undecided_score_costs_ln_2():
    scores = torch.zeros(1, 2, 5, 3, 3)
    classes = torch.full((1, 45), -1)
    classes[0, 0], classes[0, 1] = 1, 0

    loss = losses.score_loss(scores, AnchorLabels(classes, torch.zeros(1, 45, 4), torch.zeros(1, 45)))

    assert float(loss) == pytest.approx(math.log(2))


def test_unused_places_of_regions_do_not_count():
    logits = torch.tensor([[10.0, -10.0]])[:, :, None, None].expand(1, 2, 4, 4)
    masks = torch.ones(1, 2, 4, 4, dtype=torch.bool)

    loss = losses.region_loss(logits, regions_of(masks, [[1.0, 0.0]]))

    assert float(loss) < 1e-4


def test_the_overlap_loss_does_not_care_how_small_an_object_is():
    small, large = torch.zeros(2, 1, 1, 56, 56, dtype=torch.bool)
    small[..., 20:24, 20:24] = True
    large[..., 10:42, 10:42] = True

    found = [
        [float(losses.overlap_loss(logits, regions_of(mask, [[1.0]]))) for mask in (small, large)]
        for logits in (torch.full((1, 1, 56, 56), -20.0), torch.where(small, 20.0, -20.0))
    ]

    assert found[0] == pytest.approx([1, 1], abs=1e-3)
    assert found[1][0] == pytest.approx(0, abs=1e-3)


def test_regions_that_are_not_used_add_nothing_to_the_overlap_loss():
    masks = torch.ones(1, 2, 28, 28, dtype=torch.bool)
    logits = torch.stack([torch.full((28, 28), 20.0), torch.full((28, 28), -20.0)])[None]
    regions = regions_of(masks, [[1.0, 0.0]])
    assert float(losses.overlap_loss(logits, regions)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("loss", [losses.region_loss, losses.overlap_loss])
def test_unknown_pixels_of_a_region_teach_nothing(loss):
    torch.manual_seed(2)
    masks = torch.rand(1, 2, 28, 28) > 0.5
    known = torch.rand(1, 2, 28, 28) > 0.3
    logits = torch.randn(1, 2, 28, 28, requires_grad=True)
    regions = regions_of(masks & known, [[1.0, 1.0]], known)

    cost = loss(logits, regions)

    torch.testing.assert_close(loss(torch.where(known, logits, 9.0), regions), cost)
    (taught,) = torch.autograd.grad(cost, logits)
    assert not taught[~known].any()
    assert taught[known].abs().min() > 0


def test_a_region_of_which_half_is_unknown_costs_what_its_known_half_does():
    masks = torch.zeros(1, 1, 28, 28, dtype=torch.bool)
    known = torch.zeros_like(masks)
    known[..., :14, :] = True

    cost = losses.region_loss(torch.zeros(1, 1, 28, 28), regions_of(masks, [[1.0]], known))

    assert float(cost) == pytest.approx(math.log(2))


def test_the_iou_that_is_logged_is_that_of_what_is_known():
    masks = torch.zeros(1, 1, 28, 28, dtype=torch.bool)
    masks[..., :10, :] = True
    known = torch.ones_like(masks)
    known[..., 20:, :] = False
    logits = torch.where(masks | ~known, 5.0, -5.0)  # right wherever somebody said what there is

    assert float(losses.region_iou(logits, regions_of(masks, [[1.0]], known))) == pytest.approx(1)
