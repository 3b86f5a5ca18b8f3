"""Runs that are killed, resumed, begun anew or shared between processes lead where one run does."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from s2iammask_core.errors import ConfigError
from s2iammask_core.training.loop import Run, train
from s2iammask_core.training.processes import Processes
from s2iammask_core.training.settings import from_nested
from s2iammask_core.training.setup import initial_network, network_of

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.usefixtures("one_thread")


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


@pytest.mark.slow
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


@pytest.mark.slow
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
