"""Tracks on their way to the disk."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TextIO

from s2iammask_core.batch.moments import Found
from s2iammask_core.batch.rows import TrackRow, packed_region
from s2iammask_core.tracking.regions import NO_MASK
from s2iammask_core.tracking.track import Track

MOST = 2**23  # bytes that wait
BESIDE = 2**10  # bytes of a track beside its mask

Place = tuple[int, "int | None", str, tuple[int, int]]  # the first columns of a row


class Pending:
    """Tracks that are written many at once. Each alone, after a step of a network that leaves nothing of this
    code in the processor's caches, takes several times as long.
    """

    def __init__(self, files: Mapping[int, TextIO]) -> None:
        """files: by the ids of the tracks."""
        self._files = files
        self._waiting: list[tuple[Place, Track]] = []
        self._bytes = 0

    def add(self, found: Found) -> None:
        moment = found.moment
        place = (moment.number, moment.stamp, moment.file, moment.size)  # without the frame
        for track in found.tracks:
            self._waiting.append((place, track))
            self._bytes += track.mask.pixels.nbytes + track.mask.probability.nbytes + BESIDE
        if self._bytes > MOST:
            self.write()

    def write(self) -> None:
        """All that waits."""
        lines: dict[int, list[str]] = defaultdict(list)
        for place, track in self._waiting:
            lines[track.id].append(row_of(place, track).text())
        for id_, own in lines.items():
            self._files[id_].write("".join(own))
        self._waiting, self._bytes = [], 0


def row_of(place: Place, track: Track) -> TrackRow:
    _, _, _, size = place
    return TrackRow(*place, replace(track, mask=NO_MASK), packed_region(track.mask, size))
