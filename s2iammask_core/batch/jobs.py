"""What is asked for: recordings, and where objects begin in them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

from s2iammask_core.boxes import Box
from s2iammask_core.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Start:
    """Where an object begins, or ends: it has a box, a mask, or is gone."""

    at: int  # number of the frame, from 0, or stamp in nanoseconds
    id: int = 0  # of the object in its recording; 0: one is given
    label: str = ""
    box: Box | None = None
    percent: bool = False  # the box is in percent of the frame's width and height, not in pixels
    mask: str = ""  # path or URL of a label picture, or run lengths: {"size": [H, W], "counts": ...}
    value: int = 0  # of the mask's pixels in the label picture; 0: all that are not 0
    stamped: bool = False  # whether `at` is a stamp

    @property
    def gone(self) -> bool:
        """Whether it says that the object is not tracked any more from here on."""
        return self.box is None and not self.mask


@dataclass(frozen=True, slots=True)
class Row:
    """One start in one recording."""

    source: str  # path or URL of a video, a folder of frames or a bag
    start: Start
    topic: str = ""  # of a bag's images; empty: the only one
    name: str = ""  # what outputs are called after; empty: after the source


@dataclass(frozen=True, slots=True)
class Job:
    """A recording and all of its starts."""

    source: str
    topic: str
    name: str
    starts: tuple[Start, ...]  # as they were given


def ordered(starts: Sequence[Start]) -> tuple[Start, ...]:
    """The starts in rising order; DatasetError for those that contradict each other."""
    if len({start.stamped for start in starts}) > 1:
        raise DatasetError("some of its starts have frames and some have stamps; use one of them")
    rising = sorted(starts, key=lambda start: (start.at, start.id))
    for one, two in pairwise(rising):
        if (one.at, one.id) == (two.at, two.id):
            raise DatasetError(f"object {one.id} begins twice at {one.at}")
    return tuple(rising)


def free_ids(taken: Iterable[int]) -> Iterator[int]:
    """Ids from 1 that are not taken."""
    known = set(taken)
    return (number for number in count(1) if number not in known)
