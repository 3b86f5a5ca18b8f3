"""The one thread that touches the tracker: commands between two frames, then the newest frame."""

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as LateError
from threading import Condition, Thread
from typing import Any, Generic, TypeVar

from s2iammask_core.errors import UnavailableError

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Worker(Generic[Item]):
    """Runs `work` on the newest items that were offered, one for each source; older ones are never seen.

    Commands run before the next items, in the order in which they were given.
    """

    def __init__(self, work: Callable[[list[Item]], None]) -> None:
        self._work = work
        self._newest: dict[str, Item] = {}
        self._commands: deque[Callable[[], object]] = deque()
        self._changed = Condition()
        self._running = False
        self._thread = Thread(target=self._run, name="tracker", daemon=True)

    def start(self) -> None:
        self._running = True
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Ends after the work in progress; False if that takes longer than the seconds given."""
        with self._changed:
            self._running = False
            self._changed.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def offer(self, item: Item, source: str = "") -> Item | None:
        """Hands over the newest item of a source; returns the one that it replaces, if one was waiting."""
        with self._changed:
            replaced = self._newest.get(source)
            self._newest[source] = item
            self._changed.notify()
            return replaced

    def withdraw(self) -> list[Item]:
        """Takes back what still waits."""
        with self._changed:
            waiting = list(self._newest.values())
            self._newest.clear()
            return waiting

    def post(self, command: Callable[[], object]) -> None:
        """Has a command run between two items, and waits for nothing; UnavailableError if it has ended."""
        with self._changed:
            if not self._running:
                raise UnavailableError("the tracker is not active")
            self._commands.append(command)
            self._changed.notify()

    def call(self, command: Callable[[], Answer], seconds: float) -> Answer:
        """Runs a command between two items and returns its answer, or raises what it raised.

        Raises UnavailableError if its turn did not come in time; it does not run later then.
        """
        future: Future[Answer] = Future()
        self.post(lambda: settle(future, command))
        try:
            return future.result(seconds)
        except LateError:
            future.cancel()
            raise UnavailableError(f"the tracker was busy for {seconds:g} s; ask again") from None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._commands or self._newest or not self._running)
                if not self._running:
                    break
                task = self._next()
            try:
                task()
            except Exception:  # this thread is the only one: the next item gets its chance
                logger.exception("the work on an image failed")
        self._refuse()

    def _next(self) -> Callable[[], object]:
        if self._commands:
            return self._commands.popleft()
        items = list(self._newest.values())
        self._newest.clear()
        return lambda: self._work(items)

    def _refuse(self) -> None:
        """Lets nobody wait for a command that will not run any more."""
        with self._changed:
            left, self._commands = self._commands, deque()
        for command in left:
            command()


def settle(future: "Future[Any]", command: Callable[[], Any]) -> None:
    """Runs a command that nobody has given up, and lets those who wait know."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(command())
    except Exception as error:
        future.set_exception(error)
