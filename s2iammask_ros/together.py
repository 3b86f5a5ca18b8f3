"""The newest images of all cameras through the network: as one batch where that can be."""

import time
from collections.abc import Sequence
from typing import TypeAlias

from s2iammask_core import Track, track_together
from s2iammask_ros.camera import Camera
from s2iammask_ros.faults import Faults
from s2iammask_ros.images.arrivals import Arrival, Turn

Turns: TypeAlias = Sequence[tuple[Camera, Turn]]


def work(arrivals: Sequence[tuple[Camera, Arrival]], faults: Faults, wanted: bool) -> None:
    """Tracks in the images, together if that is wanted, and publishes.

    What goes wrong with one of them does not touch the others.
    """
    turns = []
    for camera, arrival in arrivals:
        with faults.logged():
            if turn := camera.prepare(arrival):
                turns.append((camera, turn))
    answers = None
    if wanted and faults.joins and len(turns) > 1:
        with faults.logged():
            answers = tracked(turns, faults)
    found = time.monotonic()
    for number, (camera, turn) in enumerate(turns):
        with faults.logged():
            if answers is None:
                camera.track(turn)
            else:
                camera.finish(turn, answers[number], found)


def tracked(turns: Turns, faults: Faults) -> list[list[Track]] | None:
    """What is found in the images of several cameras; None, and no target has moved, if one cannot go on."""
    try:
        return track_together([camera.shot(turn) for camera, turn in turns])
    except Exception as error:
        faults.survive_together(error)
        return None
