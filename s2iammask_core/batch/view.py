"""A recording with all that was tracked in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby

from s2iammask_core.batch.jobs import Job
from s2iammask_core.batch.plan import Span
from s2iammask_core.batch.rows import TrackRow
from s2iammask_core.batch.store import Store
from s2iammask_core.tracking.track import Mask

UNNAMED = "object"  # the label of objects without one


@dataclass(frozen=True, slots=True)
class Seen:
    """An object in a frame."""

    id: int
    label: str
    row: TrackRow

    @property
    def is_sure(self) -> bool:
        return self.row.track.state.value == "tracking"


@dataclass(frozen=True, slots=True)
class View:
    """What outputs are made of."""

    job: Job
    spans: tuple[Span, ...]
    store: Store

    def frames(self) -> Iterator[list[Seen]]:
        """The objects of each frame that has any, by id, in the order of the frames."""
        rising = merge(*map(self._seen, self.spans), key=lambda seen: (seen.row.frame, seen.id))
        for _, group in groupby(rising, key=lambda seen: seen.row.frame):
            yield list(group)

    def _seen(self, span: Span) -> Iterator[Seen]:
        label = span.start.label or UNNAMED
        return (Seen(span.start.id, label, row) for row in self.store.rows(span))


def apart(frame: list[Seen]) -> list[tuple[Seen, Mask]]:
    """The masks (H, W) of what is not lost, without the pixels that a surer one has."""
    left = [seen for seen in frame if not seen.row.is_lost]
    masks: dict[int, Mask] = {}
    taken: Mask | None = None
    for seen in sorted(left, key=lambda seen: (-seen.row.track.confidence, seen.id)):
        mask = seen.row.mask
        masks[seen.id] = mask if taken is None else mask & ~taken
        taken = mask if taken is None else taken | mask
    return [(seen, masks[seen.id]) for seen in left]
