"""Labels of anchors, windows and regions, on boxes and masks drawn by hand."""

from dataclasses import fields

import pytest
import torch

from s2iammask_core.anchors import anchor_grid, decode
from s2iammask_core.box_ops import box_iou, to_corners
from s2iammask_core.data.augment import Batch
from s2iammask_core.geometry import PRIOR_CELLS
from s2iammask_core.training.settings import AnchorConfig, RegionConfig
from s2iammask_core.training.targets import (
    NEAR,
    choose_regions,
    enlarge,
    extents,
    in_boxes,
    label_anchors,
    mask_windows,
    seeded_noise,
)

NOTHING = torch.zeros(1, 2, 5, 25, 25)  # scores of a network that knows nothing


def batch_with(box, *, positive=True, side=255, unknown=None):
    x1, y1, x2, y2 = box
    mask = torch.zeros(1, side, side, dtype=torch.bool)
    mask[0, y1:y2, x1:x2] = True
    return Batch(
        template=torch.zeros(1, 3, 127, 127),
        template_mask=torch.zeros(1, 127, 127),
        search=torch.zeros(1, 3, side, side),
        mask=mask,
        unknown=torch.zeros_like(mask) if unknown is None else unknown,
        prior=torch.zeros(1, PRIOR_CELLS, PRIOR_CELLS),
        box=torch.tensor([box], dtype=torch.float32),
        positive=torch.tensor([positive]),
        has_mask=torch.tensor([True]),
        seed=torch.tensor([5]),
    )


def many_with(box, count):
    """The same pair so many times, but for what is drawn from its seed."""
    one = batch_with(box)
    same = {each.name: getattr(one, each.name) for each in fields(one)}
    repeated = {name: each.expand(count, *each.shape[1:]) for name, each in same.items()}
    return Batch(**{**repeated, "seed": torch.arange(count)})


def test_positive_anchors_overlap_the_object_and_decode_to_it():
    batch = batch_with((100, 90, 164, 154))

    labels = label_anchors(batch, NOTHING, AnchorConfig())

    corners = to_corners(anchor_grid(25)) + 127.5
    chosen = labels.classes[0] == 1
    assert 0 < chosen.sum() <= 16
    assert (box_iou(corners[chosen], batch.box) > 0.6).all()
    decoded = to_corners(decode(labels.deltas[0][chosen], anchor_grid(25)[chosen])) + 127.5
    torch.testing.assert_close(decoded, batch.box.expand_as(decoded))
    assert float(labels.weights.sum()) == pytest.approx(1, abs=1e-4)


def test_positives_and_negatives_together_are_at_most_64():
    labels = label_anchors(batch_with((100, 90, 164, 154)), NOTHING, AnchorConfig())
    assert int((labels.classes >= 0).sum()) == 64


def test_an_object_that_no_anchor_fits_has_its_best_anchor():
    labels = label_anchors(batch_with((60, 120, 200, 145)), NOTHING, AnchorConfig())
    assert int((labels.classes == 1).sum()) >= 1


def test_an_object_that_no_anchor_fits_may_have_all_that_fit_nearly_as_well():
    batch = batch_with((60, 118, 203, 145))  # longer than the anchors

    alone, shared = (
        label_anchors(batch, NOTHING, AnchorConfig(negative_iou=0.2, best_share=share)).classes[0] == 1
        for share in (1.0, 0.9)
    )

    overlap = box_iou(to_corners(anchor_grid(25)) + 127.5, batch.box)
    assert 0 < int(alone.sum()) < int(shared.sum()) <= 16
    assert (overlap[shared] >= 0.9 * overlap.max()).all()


def test_a_negative_pair_has_16_negatives_near_the_centre_and_no_positive():
    labels = label_anchors(batch_with((100, 90, 164, 154), positive=False), NOTHING, AnchorConfig())

    far = (anchor_grid(25)[:, :2].abs() > 3 * 8).any(dim=1)
    assert int((labels.classes == 1).sum()) == 0
    assert int((labels.classes == 0).sum()) == 16
    assert not (labels.classes[0] == 0)[far].any()


def test_hard_negatives_are_the_worst_mistakes_in_the_background():
    batch = batch_with((100, 90, 164, 154))
    scores = NOTHING.clone()
    scores[0, 1, 2, 3, :6] = 4  # far from the object, and taken for it
    scores[0, 1, 2, 12, 12] = 9  # on the object

    labels = label_anchors(batch, scores, AnchorConfig(hard=0.5))

    classes = labels.classes.reshape(5, 25, 25)
    assert (classes[2, 3, :6] == 0).all()
    assert classes[2, 12, 12] != 0
    assert int((labels.classes >= 0).sum()) == 64


def test_hard_negatives_of_a_negative_pair_lie_anywhere():
    batch = batch_with((100, 90, 164, 154), positive=False)
    scores = NOTHING.clone()
    scores[0, 1, 2, 0, 0] = 4

    labels = label_anchors(batch, scores, AnchorConfig(hard=0.5))

    assert labels.classes.reshape(5, 25, 25)[2, 0, 0] == 0
    assert int((labels.classes == 0).sum()) <= 16


def test_labels_do_not_depend_on_the_other_pairs_of_the_batch():
    seeds = torch.tensor([3, 9])
    torch.testing.assert_close(seeded_noise(seeds, 50)[1:], seeded_noise(seeds[1:], 50))


def test_the_window_of_the_middle_cell_is_the_middle_of_the_patch():
    batch = batch_with((127, 127, 128, 128))

    window = mask_windows(batch, *(torch.tensor([each]) for each in (0, 12, 12)), cells=25)

    assert window[0, 63, 63] == 1
    assert (window == 1).sum() == 1


@pytest.mark.parametrize(("side", "cells"), [(143, 3), (159, 5), (191, 17), (255, 25)])
def test_the_window_of_the_middle_cell_is_the_middle_of_patches_of_any_size(side, cells):
    place, middle = side // 2, torch.tensor([cells // 2])
    batch = batch_with((place, place, place + 1, place + 1), side=side)

    window = mask_windows(batch, torch.tensor([0]), middle, middle, cells)

    assert window[0, 63, 63] == 1


def test_a_window_beyond_the_patch_is_neither_object_nor_background():
    batch = batch_with((0, 0, 255, 255))

    window = mask_windows(batch, *(torch.tensor([each]) for each in (0, 0, 0)), cells=25)

    assert (window[0, :32] == 0).all()
    assert (window[0, 32:, 32:] == 1).all()


def test_regions_hold_the_object_in_their_middle():
    batch = batch_with((100, 90, 150, 140))
    nothing = torch.zeros(1, 2, 5, 25, 25), torch.zeros(1, 4, 5, 25, 25)

    regions = choose_regions(batch, *nothing, RegionConfig(source="truth"), pixels=28)

    torch.testing.assert_close(regions.rois[0, 0], torch.tensor([80.0, 70.0, 170.0, 160.0]))
    assert regions.masks[0, 0, 14, 14]
    assert not regions.masks[0, 0, :5].any()
    assert float(regions.masks[0, 0].float().mean()) == pytest.approx(1 / 1.8**2, abs=0.05)


def test_proposals_that_miss_the_object_are_not_used():
    batch = batch_with((10, 10, 60, 60))
    scores = torch.zeros(1, 2, 5, 25, 25)
    deltas = torch.zeros(1, 4, 5, 25, 25)

    regions = choose_regions(batch, scores, deltas, RegionConfig(count=50), pixels=28)

    used = regions.rois[regions.weights == 1]
    truth = enlarge(batch.box, 1.8, 255)
    assert len(used) >= 1
    assert (box_iou(used, truth) > 0.3).all()


def test_windows_and_regions_know_nothing_of_unknown_pixels():
    unknown = torch.zeros(1, 255, 255, dtype=torch.bool)
    unknown[:, :, 150:200] = True
    batch = batch_with((100, 90, 150, 140), unknown=unknown)
    middle = (torch.tensor([each]) for each in (0, 12, 12))

    window = mask_windows(batch, *middle, cells=25)
    regions = choose_regions(
        batch, NOTHING, torch.zeros(1, 4, 5, 25, 25), RegionConfig(source="truth"), pixels=28
    )

    assert ((window[0] == 0) == unknown[0, 64:191, 64:191]).all()
    (x1, _, x2, _) = regions.rois[0, 0].tolist()
    centers = x1 + (torch.arange(28) + 0.5) * (x2 - x1) / 28
    assert (regions.known[0, 0, :, centers < 148]).all()
    assert not (regions.known[0, 0, :, centers > 152]).any()


def test_a_first_mask_is_asked_for_near_the_box_that_the_mask_has():
    batch = batch_with((60, 80, 140, 120))

    regions, boxes = in_boxes(batch)

    (given,) = extents(boxes > 0.25)
    assert torch.equal(extents(batch.mask), torch.tensor([[60.0, 80.0, 140.0, 120.0]]))
    assert (given - batch.box[0]).abs().max() <= 0.1 * 80 + 1  # exact, or as a hand draws it
    assert boxes.max() == 0.5
    assert torch.equal(regions.masks[0, 0], batch.mask[0])
    (known,) = extents(regions.known[0])
    torch.testing.assert_close(
        known - given, torch.tensor([-NEAR, -NEAR, NEAR, NEAR]).float(), atol=1, rtol=0
    )
    assert regions.weights.tolist() == [[1.0]]


def test_a_guided_first_mask_is_given_a_spoilt_mask_in_a_box_around_it():
    batch = many_with((60, 80, 140, 120), count=64)

    regions, given = in_boxes(batch, guided=1.0)

    true = batch.mask.float()
    inside = given > 0
    assert given.max() == 1
    assert (given[inside] >= 0.5 * 0.999).float().mean() > 0.9  # but for cells that a box cuts
    believed = (given - 0.5).clamp(min=0) * 2
    overlap = torch.minimum(believed, true).sum(dim=(1, 2)) / torch.maximum(believed, true).sum(dim=(1, 2))
    assert overlap.max() > 0.85  # its edge is soft
    assert overlap.min() < 0.7
    assert regions.known[:, 0][batch.mask].all()  # also what the tracker missed is asked for
    assert not regions.known.all()


def test_a_share_of_the_first_masks_is_guided():
    batch = many_with((60, 80, 140, 120), count=64)

    guided = in_boxes(batch, guided=0.5)[1].amax(dim=(1, 2)) > 0.5

    assert int(guided.sum()) == pytest.approx(32, abs=12)


def test_what_is_unknown_and_pairs_without_an_object_teach_no_first_mask():
    unknown = torch.zeros(1, 255, 255, dtype=torch.bool)
    unknown[:, 120:] = True
    batch = batch_with((60, 80, 140, 120), unknown=unknown)

    assert not in_boxes(batch)[0].known[0, 0, 120:].any()
    for nothing in (batch_with((60, 80, 60, 80)), batch_with((60, 80, 140, 120), positive=False)):
        assert in_boxes(nothing)[0].weights.sum() == 0
