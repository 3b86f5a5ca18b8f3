"""The executor of the node: callbacks on several threads."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from rclpy.context import Context
from rclpy.executors import (
    Executor,
    ExternalShutdownException,
    ShutdownException,
    TimeoutException,
)
from rclpy.task import Task


class ThreadsExecutor(Executor):
    """Waits for what is ready, and for a thread to begin it, before it looks for more.

    rclpy's own does not wait for the thread: it hands over what has not begun again and again, and holds
    Python's lock meanwhile, which that thread needs. Of a camera at 30 Hz up to half of the images were lost
    so on a machine that had nothing else to do.
    """

    def __init__(self, threads: int, context: Context | None = None) -> None:
        super().__init__(context=context)
        self._pool = ThreadPoolExecutor(threads)
        self._faults: deque[BaseException] = deque()

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Lets a thread begin one callback; raises what an earlier one ended with."""
        if self._faults:
            raise self._faults.popleft()
        try:
            task, _, _ = self.wait_for_ready_callbacks(timeout_sec)
        except (TimeoutException, ShutdownException, ExternalShutdownException):
            return
        begun = Event()
        self._pool.submit(self._run, task, begun)
        begun.wait()

    def _run(self, task: Task, begun: Event) -> None:
        begun.set()
        was_done = task.done()
        task()
        if task.done() and not was_done and (fault := task.exception()) is not None:
            self._faults.append(fault)
