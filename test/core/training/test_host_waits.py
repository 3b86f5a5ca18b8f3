"""Labels and losses on a GPU that is not there: fake tensors raise where the host would wait for a value."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from s2iammask_core.data.augment import Batch
from s2iammask_core.training import losses, targets
from s2iammask_core.training.settings import AnchorConfig, RegionConfig
from s2iammask_core.training.snapshot import MovingAverage
from s2iammask_core.training.targets import Regions, choose_regions, label_anchors, seeded_noise


@pytest.fixture
def fake():
    """A mode whose tensors lie on a GPU."""
    targets._anchors.cache_clear()
    with FakeTensorMode(), torch.device("cuda:0"):
        yield
    targets._anchors.cache_clear()


def batch(count=4, side=255):
    flags = torch.ones(count, dtype=torch.bool)
    maps = torch.zeros(count, side, side, dtype=torch.bool)
    seeds = torch.ones(count, dtype=torch.int64)
    fields = {
        "template": torch.rand(count, 3, 127, 127),
        "search": torch.rand(count, 3, side, side),
        "mask": maps,
        "box": torch.rand(count, 4),
        "positive": flags,
        "has_mask": flags,
        "seed": seeds,
    }
    others = {name: maps for name in Batch.__dataclass_fields__ if name not in fields}
    return Batch(**fields, **others)


def test_the_labels_and_losses_of_the_first_stage_wait_for_nothing(fake):
    scores, deltas = torch.rand(4, 2, 5, 25, 25), torch.rand(4, 4, 5, 25, 25)

    labels = label_anchors(batch(), scores, AnchorConfig())
    loss = losses.score_loss(scores, labels) + losses.box_loss(deltas, labels)

    assert {each.device.type for each in (labels.classes, labels.deltas, loss)} == {"cuda"}


def test_the_losses_of_the_second_stage_wait_for_nothing(fake):
    logits, weights = torch.rand(4, 3, 56, 56), torch.ones(4, 3)
    masks = torch.zeros(4, 3, 56, 56, dtype=torch.bool)
    regions = Regions(torch.rand(4, 3, 4), masks, ~masks, weights)

    assert losses.region_loss(logits, regions).device.type == "cuda"
    assert losses.overlap_loss(logits, regions).device.type == "cuda"


def test_regions_without_proposals_wait_for_nothing(fake):
    scores, deltas = torch.rand(4, 2, 5, 25, 25), torch.rand(4, 4, 5, 25, 25)

    found = choose_regions(batch(), scores, deltas, RegionConfig(source="truth"), 56)

    assert found.rois.device.type == "cuda"


def test_noise_is_that_of_splitmix64_and_spread_evenly():
    noise = seeded_noise(torch.tensor([0, 1, 2**40 + 7]), 20_000)

    assert float(noise[0, 0]) == 0xE220A8397B1DCDAF // 2**40 / 2**24  # the first number of its state 0
    assert noise.dtype == torch.float32
    assert 0 <= noise.min() <= noise.max() < 1
    torch.testing.assert_close(noise.mean(dim=1), torch.full((3,), 0.5), atol=0.01, rtol=0)
    torch.testing.assert_close(torch.corrcoef(noise), torch.eye(3), atol=0.03, rtol=0)
    assert (torch.histc(noise[2], 10, 0, 1) > 1800).all()


def test_the_moving_average_is_one_call_for_all_weights(monkeypatch):
    calls, lerp = [], torch._foreach_lerp_
    monkeypatch.setattr(torch, "_foreach_lerp_", lambda *given: calls.append(len(given[0])) or lerp(*given))
    state = {"a": torch.zeros(3), "b": torch.zeros(2, 2), "count": torch.tensor(0)}
    average = MovingAverage(state, 0.75)

    average.update({"a": torch.ones(3), "b": torch.full((2, 2), 4.0), "count": torch.tensor(5)}, 9)

    assert calls == [2]
    assert average.state["a"].tolist() == [0.25] * 3
    assert average.state["b"].tolist() == [[1.0] * 2] * 2
    assert int(average.state["count"]) == 5


def test_a_moving_average_is_at_first_the_mean_since_the_beginning():
    average = MovingAverage({"a": torch.tensor(1.0)}, 0.9)

    for step, value in enumerate((2.0, 6.0), start=1):
        average.update({"a": torch.tensor(value)}, step)

    assert float(average.state["a"]) == pytest.approx((1 + 2 + 6) / 3)
