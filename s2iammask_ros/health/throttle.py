"""Keeps a log readable: the same text at most once in a while."""

import time
from threading import Lock

HEAD = 60  # characters that make two texts the same, so that figures in them do not count
MOST = 1000


class Throttle:
    """Says whether a text may be said again; safe to use from several threads."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._said: dict[str, float] = {}
        self._lock = Lock()

    def allows(self, text: str) -> bool:
        now, key = time.monotonic(), "".join(c for c in text[:HEAD] if not c.isdigit())
        with self._lock:
            if now - self._said.get(key, -self._seconds) < self._seconds:
                return False
            if len(self._said) >= MOST:
                self._said.clear()
            self._said[key] = now
            return True
