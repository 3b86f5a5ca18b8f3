"""How a server is asked to end: by a signal, once."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LONGEST_END = 4.0  # seconds after a signal for what does not end by itself, as a browser that does not answer


@contextmanager
def until_asked_to_end() -> Iterator[asyncio.Event]:
    """Gives what the first signal sets, in the running loop of the main thread.

    Later signals are passed over for good: a terminal and ros2 launch send one each, and the second one would
    kill a process that is just about to end with success.
    """
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def begin_to_end() -> None:
        if not asked.is_set():
            asked.set()
            for each in SIGNALS:
                signal.signal(each, signal.SIG_IGN)
            watchdog = Timer(LONGEST_END, os._exit, [0])
            watchdog.daemon = True
            watchdog.start()

    def heard(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(begin_to_end)

    before = {each: signal.signal(each, heard) for each in SIGNALS}
    try:
        yield asked
    finally:
        if not asked.is_set():
            for each, handler in before.items():
                signal.signal(each, handler)
