"""Runs of a few steps: they learn, resume, and do not depend on the number of processes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from s2iammask_core.errors import ConfigError, DatasetError, WeightsError
from s2iammask_core.training.loop import Run, pair_loader, train
from s2iammask_core.training.processes import Processes
from s2iammask_core.training.settings import from_nested
from s2iammask_core.training.setup import initial_network, network_of, set_trained

ROOT = Path(__file__).resolve().parents[3]
PICTURES = {"template", "search", "label", "prediction", "score"}


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def straight(four_steps, tmp_path_factory):
    """The output of a run that nothing interrupted, in one process."""
    settings = four_steps | {"output": str(tmp_path_factory.mktemp("straight"))}
    train(from_nested(settings))
    return Path(settings["output"])


def has_ended(process, patience=0.05):
    """Whether it ends in so many seconds; asking without patience would take the time that it needs."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    return process.returncode is not None


def losses_of(folder):
    lines = [json.loads(line) for line in (Path(folder) / "log.jsonl").read_text().splitlines()]
    return {int(line["step"]): line["loss"] for line in lines if "step" in line}


def launch(settings, path, *, processes=1):
    """`s2iammask train` in a process of its own, or in several that know of each other."""
    path.write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m"]
    if processes > 1:
        command += ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m"]
    command += ["s2iammask_core", "train", str(path), "--threads", "1"]
    return subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE
    )


def test_a_run_that_is_killed_and_resumed_gives_the_losses_of_one_that_was_not(
    small_settings, straight, tmp_path
):
    killed = small_settings | {"output": str(tmp_path / "killed"), "snapshot_steps": 1}
    process = launch(killed, tmp_path / "killed.yaml")
    while not (tmp_path / "killed" / "last.pt").exists():
        assert not has_ended(process), process.stderr.read().decode()
    process.send_signal(signal.SIGKILL)
    process.communicate()

    train(from_nested(killed))

    wanted = losses_of(straight)
    assert len(set(wanted.values())) == 4
    assert losses_of(killed["output"]) == pytest.approx(wanted, rel=1e-5)


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


def test_two_processes_give_the_losses_of_one_with_the_joint_batch(small_settings, straight, tmp_path):
    shared = small_settings | {"output": str(tmp_path / "shared")}

    process = launch(shared, tmp_path / "shared.yaml", processes=2)

    _, said = process.communicate()
    assert process.returncode == 0, said.decode()
    assert losses_of(shared["output"]) != {}
    begun = initial_network(from_nested(shared)).state_dict()
    one, two = (network_of(Path(each) / "last.pt").state_dict() for each in (straight, shared["output"]))
    learned = {name: one[name] - value for name, value in begun.items() if not torch.equal(one[name], value)}
    assert learned
    for name, change in learned.items():  # as a whole: rounding turns single values off and on
        assert (two[name] - one[name]).norm() < 0.01 * change.norm(), name
    assert all(torch.equal(two[name], begun[name]) for name in begun.keys() - learned.keys())


LARGE = {"backbone": "resnet50", "mask_detail": False, "memory": False}


@pytest.mark.parametrize(
    ("objective", "network", "trained", "side"),
    [
        ("base", {"variant": "siammask_base"}, ["neck", "mask"], 143),
        ("sharp", {"variant": "siammask_sharp"}, ["mask", "refine"], 143),
        ("regions", LARGE, ["mask", "region_masks"], 175),
        ("joint", LARGE, ["backbone.layer3", "neck", "score", "box", "mask", "region_masks"], 175),
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


def test_a_run_that_is_killed_in_its_validation_validates_that_epoch_when_it_resumes(small_settings):
    config = from_nested(small_settings | {"snapshot_steps": 1, "epochs": 1})
    seen = []

    def killed(network):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, validate=killed)
    train(config, validate=lambda network: seen.append(network) or {"score": 0.5})

    assert len(seen) == 1
    assert {"epoch_001.pt", "best.pt"} <= {each.name for each in Path(config.output).iterdir()}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"optimizer": {"name": "sgd"}}, r"optimizer\.name"),
        ({"trained": ["score"]}, "trained"),
        ({"network": {"variant": "siammask_base"}}, "network"),
        ({"batch": 1}, "batch"),
    ],
)
def test_a_run_does_not_resume_with_settings_that_its_snapshot_does_not_fit(
    small_settings, straight, change, named
):
    there = small_settings | {"output": str(straight), "epochs": 3}

    with pytest.raises(ConfigError, match=f"{named}.*--fresh"):
        train(from_nested(there | change))


def test_a_run_that_begins_anew_keeps_the_earlier_one_beside_it(small_settings):
    config = from_nested(small_settings | {"epochs": 1, "log_steps": 1})
    output = Path(config.output)
    train(config, validate=lambda network: {"score": 0.5})
    log = (output / "log.jsonl").read_text()

    train(config, resume=False)
    train(config, resume=False)

    first, second = (output.with_name(f"{output.name}.{number}") for number in (1, 2))
    assert (first / "log.jsonl").read_text() == log
    assert (first / "best.pt").exists()
    assert (second / "last.pt").exists()
    assert not (output / "best.pt").exists()
    assert len(losses_of(output)) == len(log.splitlines()) - 1  # the last is of the validation


def test_a_resumed_run_takes_its_weight_decay_from_the_settings_of_now(small_settings, straight):
    config = from_nested(small_settings | {"optimizer": {"weight_decay": 0.5}})
    run = Run(config, Processes(torch.device("cpu"), torch.float32))

    run.restore(straight / "last.pt")

    assert {group["weight_decay"] for group in run.optimizer.param_groups} == {0.5}


def test_a_run_resumes_when_the_weights_that_it_began_with_are_gone(small_settings, straight):
    gone = small_settings | {"output": str(straight), "initial": "gone.pt"}

    assert train(from_nested(gone)) == straight / "last.pt"


def test_a_resumed_run_may_begin_a_moving_average(small_settings, straight):
    config = from_nested(small_settings | {"ema": 0.9})
    run = Run(config, Processes(torch.device("cpu"), torch.float32))

    run.restore(straight / "last.pt")

    assert all(torch.equal(value, run.average.state[k]) for k, value in run.network.state_dict().items())


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
