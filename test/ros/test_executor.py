"""The node's executor, without a node."""

from threading import Event, Thread

import pytest
import rclpy
from rclpy.context import Context

from s2iammask_ros.executor import ThreadsExecutor

LONG = 30.0  # seconds until a test gives up
SHORT = 0.1  # seconds in which something must not happen


@pytest.fixture
def executor():
    """One with a single thread."""
    context = Context()
    rclpy.init(context=context)
    executor = ThreadsExecutor(1, context)
    yield executor
    executor.shutdown(timeout_sec=0)
    rclpy.shutdown(context=context)


def test_what_is_ready_is_handed_over_once_and_then_waited_for(executor):
    release, calls = Event(), []
    executor.create_task(release.wait, LONG)
    executor.spin_once(LONG)
    executor.create_task(calls.append, "called")
    waiting = Thread(target=executor.spin_once, args=[LONG])

    waiting.start()
    waiting.join(SHORT)
    assert waiting.is_alive()
    release.set()
    waiting.join(LONG)

    executor.create_task(calls.append, "after")
    executor.spin_once(LONG)
    assert calls[0] == "called"


def test_the_error_of_a_callback_is_raised_by_a_later_turn(executor):
    def fail():
        raise ValueError("broken message")

    task = executor.create_task(fail)
    executor.spin_once(LONG)
    executor._pool.submit(int).result(LONG)  # the single thread has ended the callback

    assert task.done()
    with pytest.raises(ValueError, match="broken message"):
        executor.spin_once(SHORT)


def test_nothing_to_do_is_no_error(executor):
    executor.spin_once(0.0)
