"""How sure the tracker was of each target in the last seconds, for pages that open in the middle."""

from collections import deque
from dataclasses import dataclass, field
from threading import Lock

from s2iammask_core.page.pictures import Picture

SPAN = 30.0  # seconds
RATE = 5.0  # points a second
SECOND = 1e9


@dataclass(slots=True)
class _Trail:
    points: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=int(SPAN * RATE) + 2))
    last: int = 0  # stamp of the last point


class Trails:
    """Confidences by camera and target. Any thread may use it."""

    def __init__(self) -> None:
        self._trails: dict[str, dict[str, _Trail]] = {}
        self._lock = Lock()

    def add(self, camera: str, picture: Picture) -> None:
        """Takes the confidences of a picture; targets that are no longer there are forgotten."""
        with self._lock:
            known = self._trails.get(camera, {})
            trails = {seen.id: known.get(seen.id, _Trail()) for seen in picture.seen}
            self._trails[camera] = trails
            for seen in picture.seen:
                _add(trails[seen.id], picture.stamp, seen.confidence)

    def forget(self, camera: str) -> None:
        with self._lock:
            self._trails.pop(camera, None)

    def of(self, camera: str) -> dict[str, list[tuple[float, float]]]:
        """By target: (seconds of the stamp, confidence)."""
        with self._lock:
            return {id_: list(trail.points) for id_, trail in self._trails.get(camera, {}).items()}


def _add(trail: _Trail, stamp: int, confidence: float) -> None:
    if stamp < trail.last:
        trail.points.clear()
    elif trail.points and stamp - trail.last < SECOND / RATE:
        return
    trail.points.append((round(stamp / SECOND, 3), round(float(confidence), 3)))
    trail.last = stamp
