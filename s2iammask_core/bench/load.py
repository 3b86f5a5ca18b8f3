"""Other work on the machine, for measuring beside it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

BUSY = """
import os
parent = os.getppid()
print("begun", flush=True)
while os.getppid() == parent:  # it ends with who began it, however that ended
    sum(range(100_000))
"""


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that keep a core busy each; all of them are at work, and none is left behind."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):  # sessions of their own: Ctrl-C is for who began them
            line = [sys.executable, "-S", "-c", BUSY]
            processes.append(subprocess.Popen(line, stdout=subprocess.PIPE, start_new_session=True))
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()
