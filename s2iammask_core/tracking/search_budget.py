"""How many windows a frame may search for lost targets, so that those that are seen keep their rate."""

from collections.abc import Sequence
from dataclasses import replace

from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import HostArray
from s2iammask_core.tracking.method import Scene
from s2iammask_core.tracking.redetection import View, hinted_at, nearest_first, tiles_of
from s2iammask_core.tracking.track import TrackState

SMOOTHING = 0.2  # share of the newest measurement in what a window is thought to cost
DEAR = 3  # frames that pay for a window dearer than the budget, at least: so that most frames have none
ROUNDING = 1e-9


class SearchBudget:
    """Turns time into windows by what windows have cost so far. What a frame saves, a later one may spend."""

    def __init__(self) -> None:
        self._cost = 0.0  # seconds a window; 0 while unknown
        self._saved = 0.0  # seconds

    def windows(self, seconds: float, *, tracking: bool) -> int:
        """How many windows may search in this frame, if each has so many seconds for it.

        At least one if no target is tracked that would have to wait for it.
        """
        price = self._cost if self._cost <= seconds else max(self._cost, DEAR * seconds)
        self._saved = min(self._saved + seconds, max(price, seconds))
        affordable = int(self._saved / price + ROUNDING) if price else 1
        count = affordable if tracking else max(affordable, 1)
        self._saved = max(self._saved - count * price, 0.0)
        return count

    def measure(self, seconds: float, windows: int) -> None:
        """A frame has taken so long for so many windows, of tracked and lost targets together."""
        cost = seconds / windows
        self._cost = cost if not self._cost else (1 - SMOOTHING) * self._cost + SMOOTHING * cost


def affordable_views(
    scenes: Sequence[Scene], config: TrackerConfig, seconds: float, budget: SearchBudget
) -> list[list[View]]:
    """In each scene a window around each target that is seen; and for the lost ones of all scenes together as
    many as the time is enough for: those have their turn that were searched least.
    """
    known = [
        (number, View(row, target))
        for number, scene in enumerate(scenes)
        for row, target in enumerate(scene.targets)
    ]
    seen = [(number, view) for number, view in known if view.target.health.state is not TrackState.LOST]
    lost = [(number, view) for number, view in known if view.target.health.state is TrackState.LOST]
    most = budget.windows(seconds, tracking=bool(seen)) if lost else 0
    lost.sort(key=lambda pair: pair[1].target.health.searched)
    for turn, (number, view) in enumerate(lost):
        share = most // len(lost) + (turn < most % len(lost))
        seen += [(number, each) for each in _next_views(view, config, scenes[number], share)]
    return [[view for owner, view in seen if owner == number] for number in range(len(scenes))]


def _next_views(home: View, config: TrackerConfig, scene: Scene, count: int) -> list[View]:
    """The next windows for a lost target: in turn where it was last seen, at a hint, and in a tile."""
    if not count:
        return []
    target, size = home.target, scene.size
    hinted = hinted_at(target, scene.hints, size) if config.redetect_hints else []
    tiles = nearest_first(target, tiles_of(target, config, size)[: None if config.redetect_patches else 0])
    found = []
    for turn in range(target.health.searched, target.health.searched + count):
        cycle, slot = divmod(turn, 3)
        if slot == 1 and hinted:
            found.append(View(home.row, hinted[cycle % len(hinted)], hinted=True))
        elif slot and len(tiles):
            found.append(_tile(home, tiles, cycle if hinted else 2 * cycle + slot - 1))
        else:
            found.append(home)
    return found


def _tile(home: View, tiles: HostArray, number: int) -> View:
    x, y = tiles[number % len(tiles)].tolist()
    return View(home.row, replace(home.target, cx=x, cy=y))
