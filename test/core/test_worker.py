"""The thread that works: newest wins, commands come in between."""

from threading import Event, Semaphore

import pytest

from s2iammask_core.errors import UnavailableError
from s2iammask_core.worker import Worker

LONG = 5.0


class Bench:
    """Work that waits for the test, so that nothing depends on time."""

    def __init__(self):
        self.begun, self.released, self.worked = Event(), Event(), Semaphore(0)
        self.done = []

    def work(self, items):
        self.begun.set()
        assert self.released.wait(LONG)
        self.done.append(items)
        self.worked.release()

    def wait_for(self, count):
        assert all(self.worked.acquire(timeout=LONG) for _ in range(count))


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def worker(bench):
    worker = Worker(bench.work)
    worker.start()
    yield worker
    bench.released.set()
    worker.stop(LONG)


def test_only_the_newest_waiting_item_is_worked_on(bench, worker):
    worker.offer("first")
    assert bench.begun.wait(LONG)

    replaced = [worker.offer(item) for item in ("second", "third", "fourth")]
    bench.released.set()
    bench.wait_for(2)

    assert replaced == [None, "second", "third"]
    assert bench.done == [["first"], ["fourth"]]


def test_the_newest_of_each_source_are_worked_on_together(bench, worker):
    worker.offer("first")
    assert bench.begun.wait(LONG)
    worker.offer("left", "a")
    worker.offer("right", "b")
    bench.released.set()
    bench.wait_for(2)

    assert bench.done[-1] == ["left", "right"]


def test_a_command_runs_before_the_next_item_and_answers(bench, worker):
    worker.offer("first")
    assert bench.begun.wait(LONG)
    worker.offer("second")
    bench.released.set()

    assert worker.call(lambda: len(bench.done), LONG) == 1


def test_what_a_command_raises_goes_to_whoever_asked(worker):
    with pytest.raises(ZeroDivisionError):
        worker.call(lambda: 1 / 0, LONG)

    assert worker.call(lambda: "alive", LONG) == "alive"


def test_a_command_whose_turn_does_not_come_is_never_run(bench, worker):
    worker.offer("first")
    assert bench.begun.wait(LONG)
    ran = []

    with pytest.raises(UnavailableError, match="busy"):
        worker.call(lambda: ran.append(1), 0.01)
    bench.released.set()
    worker.call(lambda: None, LONG)

    assert not ran


def test_a_stopped_worker_refuses_commands(worker, bench):
    bench.released.set()
    assert worker.stop(LONG)

    with pytest.raises(UnavailableError, match="not active"):
        worker.call(lambda: None, LONG)
