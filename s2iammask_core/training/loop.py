"""The training loop of all variants and stages."""

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader
from tqdm import tqdm

from s2iammask_core.data.augment import Batch, augment
from s2iammask_core.data.batches import Batches, Loaded
from s2iammask_core.data.pairs import Pair, PairDataset, begin_worker
from s2iammask_core.errors import ConfigError, DatasetError
from s2iammask_core.files.outputs import set_aside
from s2iammask_core.model.checkpoint import network_config
from s2iammask_core.model.network import SiameseNetwork
from s2iammask_core.training import snapshot
from s2iammask_core.training.logs import LOG, Clock, Log
from s2iammask_core.training.objectives import Objective, Outcome
from s2iammask_core.training.pictures import pictures
from s2iammask_core.training.processes import Processes, Share, joint_rows
from s2iammask_core.training.schedules import learning_rate
from s2iammask_core.training.settings import TrainConfig
from s2iammask_core.training.setup import (
    begin_memory,
    initial_network,
    make_optimizer,
    read_sets,
    set_trained,
)

logger = logging.getLogger(__name__)

Validate = Callable[
    [SiameseNetwork], dict[str, float]
]  # a network to named scores; "score" decides which is best


class Run:
    """A training run and all its state."""

    def __init__(self, config: TrainConfig, processes: Processes) -> None:
        self.config = config
        self.processes = processes
        self.network = initial_network(config).to(processes.device).to(memory_format=torch.channels_last)
        self.optimizer = make_optimizer(self.network, config)
        self.scaler = torch.amp.GradScaler(
            processes.device.type, enabled=processes.precision == torch.float16
        )
        self.average = snapshot.MovingAverage(self.network.state_dict(), config.ema) if config.ema else None
        self.progress = snapshot.Progress()
        self.folder = Path(config.output)
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def epoch(self) -> float:
        """Epochs done."""
        return self.progress.step / self.config.steps_per_epoch

    def begin(self, batch: Batch) -> None:
        """What needs pairs to begin with; the same in all processes."""
        if self.config.objective != "first_mask":  # which leaves all else as it is
            begin_memory(self.network, joint_rows(batch.search))
        if self.average:
            self.average = snapshot.MovingAverage(self.network.state_dict(), self.config.ema)

    def state(self) -> dict[str, object]:
        return {
            "network": self.network.state_dict(),
            "config": asdict(self.config.network),
            "average": self.average.state if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "progress": vars(self.progress),
            "pace": self._pace(),
            "random": snapshot.random_state(),
        }

    def restore(self, path: Path) -> None:
        """Goes on from a snapshot; ConfigError if it was made with settings that cannot change on the way."""
        state = snapshot.read(path)
        self._check_same(path, state)
        self.network.load_state_dict(state["network"])
        options = [{k: v for k, v in each.items() if k != "params"} for each in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, own in zip(self.optimizer.param_groups, options, strict=True):
            group.update(own)  # weight decay and the like are as the settings say now
        self.scaler.load_state_dict(state["scaler"])
        self.progress = snapshot.Progress(**state["progress"])
        snapshot.restore_random_state(state["random"])
        if self.average:
            begun = state["average"] or state["network"]
            self.average.state = {k: v.to(self.processes.device) for k, v in begun.items()}

    def _check_same(self, path: Path, state: dict[str, Any]) -> None:
        saved, own = state["optimizer"]["param_groups"], self.optimizer.state_dict()["param_groups"]
        same = {
            "network": network_config(state["config"]) == self.config.network,
            "batch or pairs_per_epoch": state.get("pace", self._pace()) == self._pace(),
            "optimizer.name": [set(each) for each in saved] == [set(each) for each in own],
            "trained, unfrozen": [each["params"] for each in saved] == [each["params"] for each in own],
        }
        differ = [name for name, unchanged in same.items() if not unchanged]
        if differ:
            raise ConfigError(
                f"{path} was made with other settings ({'; '.join(differ)}): "
                "restore them, begin anew with --fresh, or choose another output"
            )

    def _pace(self) -> list[int]:
        """What a step means: pairs of each, and steps of an epoch."""
        return [self.config.batch, self.config.steps_per_epoch]

    def averaged(self) -> SiameseNetwork:
        """The network whose weights count: their moving average if there is one."""
        if not self.average:
            return self.network
        network = SiameseNetwork(self.config.network)
        network.load_state_dict(self.average.state)
        network.to(self.processes.device)
        return network


def train(config: TrainConfig, *, resume: bool = True, validate: Validate | None = None) -> Path:
    """Trains until the last epoch and returns the path of the last snapshot.

    Goes on from the last snapshot in the output folder, if there is one. A run that begins anew leaves what
    is there in a folder beside it, whose name ends in a number. Under torchrun every process takes its share
    of each batch; results do not depend on how many there are, but for batch norm that is trained, whose
    statistics are those of a share.
    """
    with Processes.start(config.device, config.precision) as processes:
        last = Path(config.output) / snapshot.LAST
        going_on = resume and last.exists()
        if going_on:  # what the run began with may be gone by now
            config = replace(config, initial="", initial_masks="")
        run = Run(config, processes)
        if going_on:
            run.restore(last)
        loader = pair_loader(config, run.progress.step, processes)
        if not going_on and processes.first:
            _set_aside(run.folder)
        with Log(run.folder, processes.first, config.log_steps) as log:
            for epoch in range(math.floor(run.epoch), config.epochs):
                _train_epoch(run, loader, epoch, log)
                _finish_epoch(run, epoch, log, validate)
    return last


def _set_aside(folder: Path) -> None:
    """Moves an earlier run out of the way: its log and its best weights are not those of the next one."""
    if not any((folder / name).exists() for name in (LOG, snapshot.LAST)):
        return
    other = set_aside(folder)
    folder.mkdir()
    logger.info("the earlier run in %s is now in %s", folder, other)


def pair_loader(config: TrainConfig, step: int, processes: Processes) -> Iterator[Loaded]:
    """Batches of pairs from the given step on; this process's share of each. A file that is missing or broken
    is a DatasetError.
    """
    total = config.epochs * config.steps_per_epoch
    dataset = PairDataset(read_sets(config), config.pairs, config.seed, total * config.batch)
    share = Share(step, total, config.batch, processes)
    loader: DataLoader[Loaded | DatasetError] = DataLoader(
        Batches(dataset),
        batch_size=None,  # an index is that of a whole batch
        sampler=share,
        num_workers=config.workers,
        pin_memory=processes.device.type == "cuda",
        prefetch_factor=4 if config.workers else None,
        worker_init_fn=begin_worker,
        # neither OpenCV nor CUDA survives a fork
        multiprocessing_context="spawn" if config.workers else None,
    )
    return _read(iter(loader))


def _read(loader: Iterator[Loaded | DatasetError]) -> Iterator[Loaded]:
    for loaded in loader:
        if isinstance(loaded, DatasetError):
            raise loaded
        yield loaded


def _train_epoch(run: Run, loader: Iterator[Loaded], epoch: int, log: Log) -> None:
    """The steps of an epoch that are still to do."""
    config = run.config
    set_trained(run.network, config, epoch)
    objective = _distributed(Objective(run.network, config), run.processes)
    clock = Clock(config.batch, config.workers)
    until = (epoch + 1) * config.steps_per_epoch
    bar = tqdm(
        total=config.steps_per_epoch,
        desc=f"epoch {epoch + 1}/{config.epochs}",
        disable=not run.processes.first,
    )
    bar.update(run.progress.step - epoch * config.steps_per_epoch)
    while run.progress.step < until:
        with clock.waiting():
            loaded = next(loader)
        with clock.stepping(loaded.seconds):
            here = (each.to(run.processes.device, non_blocking=True) for each in loaded.pairs)
            batch = augment(Pair(*here), config.augment)
            if run.progress.step == 0:
                run.begin(batch)
            outcome = _step(run, objective, batch)
        log.step(run.progress, outcome, clock, bar, rate=run.optimizer.param_groups[0]["lr"])
        if log.wants_pictures(run.progress.step, until):
            log.show(pictures(run.network, batch, config), run.progress.step)
        due = run.progress.step % config.snapshot_steps == 0 and run.progress.step < until
        if due and run.processes.first:  # the epoch's last step is kept with its validation, or not at all
            snapshot.write(run.folder / snapshot.LAST, run.state())
    bar.close()


def _step(run: Run, objective: nn.Module, batch: object) -> Outcome:
    """One step of the optimiser; a loss or gradient that is not finite changes no weight."""
    config = run.config
    rate = learning_rate(config.schedule, run.epoch, config.epochs)
    for group in run.optimizer.param_groups:
        group["lr"] = rate * group["rate"]
    with torch.autocast(run.processes.device.type, run.processes.precision, enabled=run.processes.autocast):
        outcome: Outcome = objective(batch)
    run.progress.step += 1
    run.optimizer.zero_grad(set_to_none=True)
    run.scaler.scale(outcome.loss).backward()
    run.scaler.unscale_(run.optimizer)
    norm = nn.utils.clip_grad_norm_(run.network.parameters(), config.optimizer.clip)
    if _sound(run, outcome.loss, norm):
        run.scaler.step(run.optimizer)
    else:
        run.progress.skipped += 1
    run.scaler.update()
    if run.average:
        run.average.update(run.network.state_dict(), run.progress.step)
    return outcome


def _sound(run: Run, loss: Tensor, norm: Tensor) -> bool:
    """Whether loss and gradient are usable, in all processes at once."""
    sound = torch.isfinite(norm) & torch.isfinite(loss) & (loss < run.config.optimizer.worst_loss)
    verdict = sound.float()
    if run.processes.count > 1:
        dist.all_reduce(verdict, op=dist.ReduceOp.MIN)
    return bool(verdict > 0)


def _finish_epoch(run: Run, epoch: int, log: Log, validate: Validate | None) -> None:
    """Validates, and keeps the epoch's snapshot, the last one and the best one."""
    if not run.processes.first:
        return
    scores = {}
    if validate:
        scores = validate(run.averaged().eval())
        log.scores(epoch, scores)
    better = scores.get("score", -1.0) > run.progress.best
    if better:
        run.progress.best = float(scores["score"])  # of NumPy, a snapshot could not be read again
    state = run.state()
    snapshot.write(run.folder / f"epoch_{epoch + 1:03d}.pt", state)
    if better:
        snapshot.write(run.folder / "best.pt", state)
    snapshot.write(run.folder / snapshot.LAST, state)  # at the end: where it is, the epoch is done


def _distributed(objective: Objective, processes: Processes) -> nn.Module:
    if processes.count == 1:
        return objective
    devices = [processes.device] if processes.device.type == "cuda" else None
    return DistributedDataParallel(objective, device_ids=devices, find_unused_parameters=True)
