"""What is spread, over what, and what comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from s2iammask_core.errors import ConfigError, UnavailableError

Item = TypeVar("Item")
Result = TypeVar("Result")
Given = TypeVar("Given", contravariant=True)
Made = TypeVar("Made", covariant=True)

Tick = Callable[[int], None]  # gets how many frames are done since the last call


class Work(Protocol[Given, Made]):
    """What a worker does with one item after the other."""

    def __call__(self, item: Given, tick: Tick, /) -> Made: ...


Recipe = Callable[[], Work[Any, Any]]  # makes what a worker works with; can be sent to another process


@dataclass(frozen=True, slots=True)
class Workers:
    """Who works: this process, or actors of Ray."""

    count: int = 0  # actors; 0: this process
    address: str = ""  # of a Ray cluster, as ray.init takes it; empty: a Ray of this machine alone
    cpus: int = 1  # of each worker
    gpus: float = 0.0  # of each worker; a share, if several fit on one
    retries: int = 2  # how often an item is tried again after its process died or something unforeseen

    def __post_init__(self) -> None:
        if self.count < 0 or self.cpus < 1 or self.gpus < 0 or self.retries < 0:
            raise ConfigError(
                "workers, GPUs for each and retries must be 0 or more, CPUs for each 1 or more; "
                f"got {self.count}, {self.gpus}, {self.retries} and {self.cpus}"
            )


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Item, Result]):
    """An item that is done."""

    item: Item
    result: Result


@dataclass(frozen=True, slots=True)
class Failed(Generic[Item]):
    """An item that came to nothing."""

    item: Item
    error: Exception
    tries: int


def cannot_begin(error: Exception) -> UnavailableError:
    """What is said of an error that nobody foresaw."""
    return UnavailableError(f"a worker cannot begin: {type(error).__name__}: {error}")


def no_tick(_frames: int) -> None:
    """For those who watch no progress."""
