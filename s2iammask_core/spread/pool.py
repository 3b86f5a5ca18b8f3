"""Actors of Ray that work on one item after the other; those that die are replaced."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import ray
from ray.exceptions import RayError

from s2iammask_core.errors import S2iamMaskError, UnavailableError
from s2iammask_core.spread.actor import WATCH, Answer, Worker
from s2iammask_core.spread.plan import Failed, Outcome, Recipe, Tick, Workers, cannot_begin, no_tick

LOOK_EVERY = 1.0  # seconds from one look at the progress to the next
NAMES = ("class_name:", "actor_id:", "pid:", "name:", "namespace:", "ip:")  # what Ray puts into its messages


@dataclass(slots=True)
class Attempt:
    """An item and how often it was begun."""

    item: Any
    tries: int = 0


@dataclass(slots=True, eq=False)
class Slot:
    """A worker and what it is busy with."""

    actor: Any
    attempt: Attempt | None = None  # None while it begins, or has nothing to do
    turn: int = 0
    counted: int = 0  # frames of this turn that were reported
    asked: Any = None  # an answer about its progress that is on its way


class Pool:
    """Actors, which stay from one run to the next; a context manager that ends them."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        options: Any = {"num_cpus": workers.cpus, "num_gpus": workers.gpus, "concurrency_groups": {WATCH: 1}}
        self._kind = ray.remote(**options)(Worker)
        self._all: set[Slot] = set()
        self._resting: list[Slot] = []  # that no run has

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for slot in [*self._all]:
            self.drop(slot)
        self._resting = []

    def run(
        self, recipe: Recipe, items: Iterable[Any], tick: Tick = no_tick
    ) -> Iterator[Outcome[Any, Any] | Failed[Any]]:
        """What comes of each item, as it is done. No more items are taken than there are free workers."""
        run = Run(self, self._workers, recipe, tick)
        try:
            yield from run.outcomes(iter(items))
        except ConnectionError as error:  # of Ray's client
            self._all.clear()  # they end with their cluster; another call would make Ray start one here
            raise UnavailableError(
                f"the connection to the Ray cluster is lost: {error}; run it again when it is there"
            ) from error
        finally:
            for slot in [*run.busy.values(), *run.idle]:
                self._leave(slot)

    def _leave(self, slot: Slot) -> None:
        """What a run does not need any more: one that works ends, since nobody wants its answer."""
        if slot.attempt is None:
            self._resting.append(slot)
        else:
            self.drop(slot)

    def take(self) -> Slot:
        """A worker that rests, or a new one."""
        if self._resting:
            return self._resting.pop()
        try:
            slot = Slot(self._kind.remote(self._workers.cpus, str(Path.cwd())))
        except ImportError as error:  # said to Ray's client by the cluster
            raise UnavailableError(
                f"the Ray cluster cannot work: {error}; pip install 's2iammask[batch]' on all its machines"
            ) from error
        self._all.add(slot)
        return slot

    def drop(self, slot: Slot) -> None:
        """Ends a worker, if it has not ended with the pool."""
        if slot not in self._all:
            return
        self._all.remove(slot)
        ray.kill(slot.actor)


class Run:
    """Items on their way through the workers of a pool."""

    def __init__(self, pool: Pool, workers: Workers, recipe: Recipe, tick: Tick) -> None:
        self._pool, self._workers, self._recipe, self._tick = pool, workers, recipe, tick
        self.busy: dict[Any, Slot] = {}  # by the answer that is waited for
        self.idle: list[Slot] = []
        self._queue: deque[Attempt] = deque()
        self._stillborn = 0  # workers that died while they began, one after the other

    def outcomes(self, waiting: Iterator[Any]) -> Iterator[Outcome[Any, Any] | Failed[Any]]:
        while True:
            self._fill(waiting)
            if not self._queue and not self._working:
                return
            answers = ray.wait([*self.busy], timeout=LOOK_EVERY)[0]
            found = [outcome for answer in answers for outcome in self._answered(answer)]
            self._fill(waiting)  # nobody rests while what was found is taken care of
            yield from found
            self._look()

    def _fill(self, waiting: Iterator[Any]) -> None:
        free = max(self._workers.count - len(self._working) - len(self._queue), 0)
        self._queue.extend(Attempt(item) for item in islice(waiting, free))
        self._hand_out()

    @property
    def _working(self) -> list[Slot]:
        return [slot for slot in self.busy.values() if slot.attempt]

    def _hand_out(self) -> None:
        while self.idle and self._queue:
            slot, attempt = self.idle.pop(), self._queue.popleft()
            attempt.tries += 1
            slot.attempt, slot.turn, slot.counted = attempt, slot.turn + 1, 0
            self.busy[slot.actor.run.remote(slot.turn, attempt.item)] = slot
        beginning = len(self.busy) - len(self._working)
        for _ in range(len(self._queue) - beginning):
            slot = self._pool.take()
            self.busy[slot.actor.begin.remote(self._recipe)] = slot

    def _answered(self, answer: Any) -> Iterator[Outcome[Any, Any] | Failed[Any]]:
        slot = self.busy.pop(answer)
        attempt, slot.attempt = slot.attempt, None
        try:
            value = ray.get(answer)
        except RayError as error:  # the process, its node or the way there is gone
            value = error
        if attempt is None:
            self._begun(slot, value)
        elif isinstance(value, Answer):
            yield from self._done(slot, attempt, value)
        else:
            yield from self._lost(slot, attempt, UnavailableError(f"its process died: {said(value)}"))

    def _begun(self, slot: Slot, error: Exception | None) -> None:
        if isinstance(error, RayError):
            self._pool.drop(slot)
            self._stillborn += slot.turn == 0  # others died while they rested
            if self._stillborn > self._workers.retries:
                raise UnavailableError(f"workers die while they begin: {said(error)}") from error
        elif isinstance(error, S2iamMaskError):
            raise error
        elif error is not None:
            raise cannot_begin(error) from error
        else:
            self._stillborn = 0
            self.idle.append(slot)

    def _done(
        self, slot: Slot, attempt: Attempt, answer: Answer
    ) -> Iterator[Outcome[Any, Any] | Failed[Any]]:
        if answer.error is not None and not isinstance(answer.error, S2iamMaskError):
            yield from self._lost(slot, attempt, answer.error)
            return
        self.idle.append(slot)
        if answer.error is not None:
            self._tick(-slot.counted)
            yield Failed(attempt.item, answer.error, attempt.tries)
        else:
            self._tick(answer.frames - slot.counted)
            yield Outcome(attempt.item, answer.result)

    def _lost(self, slot: Slot, attempt: Attempt, error: Exception) -> Iterator[Failed[Any]]:
        """Drops a worker that cannot be trusted any more; its item is tried again, or given up."""
        self._pool.drop(slot)
        self._tick(-slot.counted)
        if attempt.tries <= self._workers.retries:
            self._queue.append(attempt)
        else:
            yield Failed(attempt.item, error, attempt.tries)

    def _look(self) -> None:
        """Reports the frames that were done meanwhile; a worker that does not answer is asked again later."""
        for slot in self._working:
            if slot.asked is None:
                slot.asked = slot.actor.progress.remote()
            elif ray.wait([slot.asked], timeout=0)[0]:
                self._report(slot)

    def _report(self, slot: Slot) -> None:
        asked, slot.asked = slot.asked, None
        try:
            turn, frames = ray.get(asked)
        except RayError:
            return  # its item will tell
        if turn == slot.turn and frames > slot.counted:
            self._tick(frames - slot.counted)
            slot.counted = frames


def said(error: Exception) -> str:
    """What Ray says of a death, without the names."""
    lines = [line.strip() for line in str(error).splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(NAMES))[:400]
