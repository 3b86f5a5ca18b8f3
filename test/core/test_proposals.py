import pytest
import torch
import torchvision

from s2iammask_core.box_ops import to_corners
from s2iammask_core.boxes import Box
from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import PRIOR_CELLS, Crop
from s2iammask_core.tracking.aim import Aim
from s2iammask_core.tracking.network import SearchOutput
from s2iammask_core.tracking.proposals import cosine_window, penalty, propose, suppress
from s2iammask_core.tracking.settings import StepSettings
from s2iammask_core.tracking.target import Target
from s2iammask_core.tracking.windows import aim_at

PLAIN = StepSettings.of(TrackerConfig(penalty_k=0.0, proposals=4))
CELLS = 25


def aim(previous=(0.0, 0.0, 1.0, 1.0), temporal=0.0, window=0.0, size=(64.0, 64.0)):
    """A window of 255 frame pixels whose patch has the frame's own scale and origin."""
    crop = Crop(torch.tensor([[127.5, 127.5]]), torch.tensor([255.0]), 255)
    parts = (torch.tensor([values]) for values in (size, previous, (0.0, 0.0, 0.0)))
    return Aim(
        crop,
        *parts,
        torch.tensor([window]),
        torch.tensor([temporal]),
        torch.zeros(1, PRIOR_CELLS, PRIOR_CELLS),
    )


def output(*peaks):
    """Zero deltas, and a logit for each (anchor, row, column, logit); -10 elsewhere."""
    scores = torch.zeros(1, 2, 5, CELLS, CELLS)
    scores[:, 1] = -10
    for anchor, row, column, logit in peaks:
        scores[0, 1, anchor, row, column] = logit
    return SearchOutput(scores, torch.zeros(1, 4, 5, CELLS, CELLS), ())


def test_the_best_proposal_is_the_anchor_with_the_highest_score():
    found = propose(output((2, 12, 14, 3.0), (1, 3, 3, 2.0)), aim(), PLAIN)

    assert found.best.item() == 2 * 625 + 12 * 25 + 14
    assert found.boxes[0, 0].tolist() == [127.5 + 16 - 32, 127.5 - 32, 127.5 + 16 + 32, 127.5 + 32]
    assert found.score.item() == pytest.approx(torch.tensor(3.0).sigmoid().item())
    assert found.boxes[0, 1].tolist() == [127.5 - 72 - 44, 127.5 - 72 - 20, 127.5 - 72 + 44, 127.5 - 72 + 20]


def test_the_window_prefers_the_middle():
    seen = output((2, 12, 12, 0.0), (2, 2, 2, 0.2))

    found = propose(seen, aim(window=0.4), PLAIN)

    assert found.best.item() == 2 * 625 + 12 * 25 + 12


def test_the_window_is_one_in_the_middle_and_zero_at_the_edges():
    window = cosine_window(CELLS).reshape(CELLS, CELLS)

    assert (window[12, 12].item(), window[0, 5].item(), window[6, 6].item()) == pytest.approx((1, 0, 0.25))


def test_the_overlap_with_the_previous_box_decides_between_equal_scores():
    seen = output((2, 6, 6, 1.0), (2, 18, 18, 1.2))
    before = to_corners(torch.tensor([127.5 - 48, 127.5 - 48, 64, 64])).tolist()  # where row 6, column 6 is

    found = propose(seen, aim(previous=before, temporal=0.7), PLAIN)

    assert found.best.item() == 2 * 625 + 6 * 25 + 6


def test_the_penalty_is_one_for_the_targets_own_size_and_falls_with_any_change():
    sizes = torch.tensor([[[64.0, 64.0], [80.0, 64.0], [128.0, 128.0], [32.0, 32.0]]])

    same, aspect, larger, smaller = penalty(sizes.transpose(1, 2), aim(), 0.1)[0].tolist()

    assert same == pytest.approx(1)
    assert aspect < 1
    assert larger == pytest.approx(smaller)
    assert larger == pytest.approx(torch.tensor(-0.1).exp().item())


def test_scores_that_are_not_numbers_never_win():
    seen = output((2, 12, 14, 3.0))
    seen.scores[0, 1, 0, 0, 0] = float("nan")

    assert propose(seen, aim(), PLAIN).best.item() == 2 * 625 + 12 * 25 + 14


def test_wild_box_deltas_stay_finite():
    seen = output((2, 12, 14, 3.0))
    seen.deltas[:, 2:] = 1000.0

    assert propose(seen, aim(), PLAIN).boxes.isfinite().all()


def test_suppression_chooses_as_torchvision_does():
    torch.manual_seed(1)
    corners = to_corners(torch.rand(2, 300, 4) * 60 + 20)
    ranked = torch.rand(2, 300)

    chosen, kept = suppress(ranked, corners, count=10, overlap=0.5)

    assert kept.all()
    for row in range(2):
        expected = torchvision.ops.nms(corners[row], ranked[row], 0.5)[:10]
        assert chosen[row].tolist() == expected.tolist()


def test_suppression_says_where_too_few_candidates_are_left():
    corners = torch.tensor([[[0.0, 0, 10, 10], [1.0, 0, 11, 10], [50.0, 50, 60, 60]]])

    chosen, kept = suppress(torch.tensor([[0.9, 0.8, 0.3]]), corners, count=3, overlap=0.5)

    assert chosen[0, :2].tolist() == [0, 2]
    assert kept[0].tolist() == [True, True, False]


def test_an_aim_survives_the_way_to_the_device():
    target = Target(1, 70.0, 65.0, 40.0, 30.0, Box(1, 2, 3, 4), (1.0, 2.0, 3.0))
    aim = aim_at((target,), TrackerConfig(context=0.0, temporal_weight=0.7))

    there = Aim.unpacked(torch.from_numpy(aim.packed()), 255)

    assert there.previous.tolist() == [[1, 2, 3, 4]]
    assert there.crop.centers.tolist() == [[70, 65]]
    assert there.crop.sides.tolist() == pytest.approx([1200**0.5 * 255 / 127])
    assert (there.sizes.tolist(), there.border.tolist()) == ([[40, 30]], [[1, 2, 3]])
    assert there.temporal.item() == pytest.approx(0.7)
