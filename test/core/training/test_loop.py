"""Runs of a few steps: what they learn, and what they say and keep of it."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from s2iammask_core.errors import DatasetError, WeightsError
from s2iammask_core.training.loop import Run, pair_loader, train
from s2iammask_core.training.processes import Processes
from s2iammask_core.training.settings import from_nested
from s2iammask_core.training.setup import initial_network, network_of, set_trained

ROOT = Path(__file__).resolve().parents[3]
PICTURES = {"template", "search", "label", "prediction", "score"}

pytestmark = pytest.mark.usefixtures("one_thread")


def test_pairs_that_another_process_loads_are_the_same(small_settings):
    processes = Processes(torch.device("cpu"), torch.float32)

    here, there = (
        next(pair_loader(from_nested(small_settings | {"workers": workers}), 1, processes)).pairs
        for workers in (0, 1)
    )

    assert all(torch.equal(left, right) for left, right in zip(here, there, strict=True))


def test_a_picture_that_another_process_cannot_read_is_named_in_one_line(small_settings, broken_stills):
    data = [{"kind": "stills", "root": str(broken_stills)}]
    config = from_nested(small_settings | {"workers": 1, "data": data})

    with pytest.raises(DatasetError) as raised:
        next(pair_loader(config, 0, Processes(torch.device("cpu"), torch.float32)))

    said = f"cannot read the picture {broken_stills}/images/p0.png: it is none, or its head is damaged"
    assert str(raised.value) == said


LARGE = {"backbone": "resnet50", "mask_detail": False, "memory": False}


@pytest.mark.parametrize(
    ("objective", "network", "trained", "side"),
    [
        ("base", {"variant": "siammask_base"}, ["neck", "mask"], 143),
        ("sharp", {"variant": "siammask_sharp"}, ["mask", "refine"], 143),
        ("regions", LARGE, ["mask", "region_masks"], 175),
        ("joint", LARGE, ["backbone.layer3", "neck", "score", "box", "mask", "region_masks"], 175),
        ("first_mask", {"backbone": "resnet50"}, ["first_masks"], 143),
    ],
)
def test_each_objective_changes_just_what_it_trains(small_settings, objective, network, trained, side):
    settings = small_settings | {
        "objective": objective,
        "network": network,
        "trained": trained,
        "epochs": 1,
        "pairs_per_epoch": 2,
        "batch": 2,
        "augment": {"search_pixels": side, "search_shift": 4},
        "pairs": {"template_crop": 143, "search_crop": side + 32, "negative": 0.0},
        "regions": {"count": 2},
    }
    config = from_nested(settings)

    last = train(config)

    before, after = initial_network(config).state_dict(), network_of(last).state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed
    assert all(name.startswith(tuple(trained)) for name in changed)
    shown = EventAccumulator(config.output).Reload().Tags()["images"]
    assert {name.split("/")[0] for name in shown} == PICTURES


REMEMBERING = {"variant": "s2iammask", "blocks": 3}


def test_a_network_with_memory_learns_what_to_remember_and_what_to_make_of_it(small_settings):
    settings = small_settings | {
        "objective": "joint",
        "initial": "",
        "network": REMEMBERING,
        "trained": ["mask", "region_masks"],
        "epochs": 1,
        "pairs_per_epoch": 4,
        "augment": {"search_pixels": 175, "search_shift": 4, "start": 0.5, "steady": 0.2},
        "pairs": {"template_crop": 159, "search_crop": 207, "negative": 0.0, "composed": 0.5},
        "regions": {"count": 2},
    }
    config = from_nested(settings)

    last = train(config)

    before, after = initial_network(config).state_dict(), network_of(last).state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert all(name.startswith(("mask.", "region_masks.")) for name in changed)
    read = ("memory.early.weight", "memory.deep.weight", "memory.value.0.weight", "memory.sharpness")
    used = ("recall.weight", "detail.recall.weight", "odds")
    assert {f"region_masks.{name}" for name in (*read, *used)} <= changed


def test_the_moving_average_begins_with_the_keys_that_a_memory_begins_with(small_settings):
    config = from_nested(small_settings | {"initial": "", "network": REMEMBERING, "ema": 0.9})
    run = Run(config, Processes(torch.device("cpu"), torch.float32))
    before = run.network.region_masks.memory.deep.weight.detach().clone()

    run.begin(SimpleNamespace(search=torch.rand(2, 3, 143, 143) * 255))

    keys = run.average.state["region_masks.memory.deep.weight"]
    assert torch.equal(keys, run.network.region_masks.memory.deep.weight)
    assert not torch.equal(keys, before)


def test_the_second_half_of_a_run_trains_the_backbone_too(small_settings):
    settings = small_settings | {"unfrozen": ["backbone.layer3"], "unfreeze_at": 0.5}
    config = from_nested(settings)
    network = initial_network(config)

    set_trained(network, config, epoch=0)
    early = network.backbone.layer3[0].conv1.weight.requires_grad
    set_trained(network, config, epoch=1)

    assert not early
    assert network.backbone.layer3[0].conv1.weight.requires_grad
    assert not network.backbone.layer2[0].conv1.weight.requires_grad


def test_a_step_whose_loss_is_too_large_is_skipped_and_counted(small_settings):
    settings = small_settings | {"optimizer": {"worst_loss": 0.0}, "epochs": 1, "pairs_per_epoch": 2}
    config = from_nested(settings)

    last = train(config)

    unchanged, after = initial_network(config).state_dict(), network_of(last).state_dict()
    assert all(torch.equal(value, after[name]) for name, value in unchanged.items())
    lines = (Path(config.output) / "log.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["skipped"] == 1


def test_the_best_epoch_by_validation_is_kept(small_settings):
    scores = iter([0.9, 0.1])
    config = from_nested(small_settings)

    train(config, validate=lambda network: {"score": np.float64(next(scores))})

    best, first = (network_of(Path(config.output) / name) for name in ("best.pt", "epoch_001.pt"))
    assert all(torch.equal(v, first.state_dict()[k]) for k, v in best.state_dict().items())


def test_the_moving_average_follows_the_weights_slowly(small_settings):
    config = from_nested(small_settings | {"ema": 0.5, "epochs": 1})

    last = train(config)

    state = torch.load(last, weights_only=True)
    name = "score.head.3.weight"
    start = initial_network(config).state_dict()[name]
    moved, averaged = (float((state[part][name] - start).abs().sum()) for part in ("network", "average"))
    assert 0 < averaged < moved


def test_weights_of_another_network_are_refused(small_settings, tmp_path):
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"no snapshot")

    with pytest.raises(WeightsError, match=r"cannot read a snapshot from .*broken\.pt"):
        train(from_nested(small_settings | {"initial": str(broken)}))
