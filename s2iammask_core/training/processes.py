"""The processes of a run: one, or those that torchrun starts, on one machine or several."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from s2iammask_core.devices import device_named, format_named, multiplies_bf16
from s2iammask_core.errors import ConfigError

FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
LONGEST_WAIT = timedelta(hours=12)  # for the first process, which validates and writes alone


@dataclass(frozen=True, slots=True)
class Processes:
    """Which process this is, of how many, and what it computes with."""

    device: torch.device
    precision: torch.dtype  # of autocast; float32 means none
    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this process logs, validates and writes."""
        return self.rank == 0

    @property
    def autocast(self) -> bool:
        return self.precision != torch.float32

    @staticmethod
    @contextlib.contextmanager
    def start(device: str, precision: str) -> Iterator["Processes"]:
        """Joins the group that torchrun describes in the environment, if it does; leaves it at the end."""
        count, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        place = _device(device)
        if count > 1:
            dist.init_process_group("nccl" if place.type == "cuda" else "gloo", timeout=LONGEST_WAIT)
        try:
            yield Processes(place, _precision(precision, place), rank, count)
        finally:
            if count > 1:
                dist.destroy_process_group()


def joint_rows(rows: Tensor) -> Tensor:
    """The rows (N, ...) of all processes' shares of a batch, in its order."""
    if not dist.is_initialized():
        return rows
    shares = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
    dist.all_gather(shares, rows.contiguous())
    return torch.cat(shares)


def _device(name: str) -> torch.device:
    """Of the processes on a machine each takes the GPU of its own number."""
    local = os.environ.get("LOCAL_RANK")
    if name == "cuda" or (name == "auto" and local is not None and torch.cuda.is_available()):
        name = f"cuda:{local or 0}"
    device = device_named(name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def _precision(name: str, device: torch.device) -> torch.dtype:
    """auto: bf16 where the hardware multiplies it, fp16 on GPUs that multiply that, else fp32."""
    if name != "auto":
        return FORMATS[name]
    return torch.bfloat16 if multiplies_bf16(device) else format_named("auto", device)


@dataclass(frozen=True, slots=True)
class Share:
    """Batch sampler: from each joint batch, in order, this process's part; it begins at a given step."""

    step: int
    steps: int
    batch: int
    processes: Processes

    def __post_init__(self) -> None:
        if self.batch % self.processes.count:
            raise ConfigError(
                f"batch {self.batch} cannot be shared evenly by {self.processes.count} processes"
            )

    def __len__(self) -> int:
        return self.steps - self.step

    def __iter__(self) -> Iterator[list[int]]:
        part = self.batch // self.processes.count
        for step in range(self.step, self.steps):
            first = step * self.batch + self.processes.rank * part
            yield list(range(first, first + part))
