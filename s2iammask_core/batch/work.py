"""What workers do: look at recordings, track in them, and write what belongs to one recording."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from s2iammask_core.batch.copies import Known, contents, local
from s2iammask_core.batch.formats.each import EACH, Recording
from s2iammask_core.batch.formats.places import Places
from s2iammask_core.batch.formats.review import write_moments
from s2iammask_core.batch.jobs import Job
from s2iammask_core.batch.moments import Found, Source
from s2iammask_core.batch.pending import Pending
from s2iammask_core.batch.plan import Part, Span
from s2iammask_core.batch.sources import open_source
from s2iammask_core.batch.store import Store
from s2iammask_core.batch.view import View
from s2iammask_core.errors import UnavailableError
from s2iammask_core.files.outputs import keep_apart
from s2iammask_core.spread import Tick
from s2iammask_core.tracking.tracker import Tracker


class TrackerRecipe(Protocol):
    """How a worker gets its tracker; it can be sent to another process."""

    def make(self) -> Tracker: ...

    def describe(self) -> dict[str, object]:
        """All that tracks depend on."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """A recording to look at."""

    number: int
    source: str
    topic: str
    masks: tuple[str, ...]  # files of masks that objects begin with
    before: Mapping[str, Known]


@dataclass(frozen=True, slots=True)
class Looked:
    """What is there."""

    contents: Mapping[str, Known]
    frames: int


@dataclass(frozen=True, slots=True)
class LookWork:
    """The recipe of a worker that looks at recordings."""

    def __call__(self) -> Callable[[Look, Tick], Looked]:
        return lambda item, _: look_at(item)


def look_at(item: Look) -> Looked:
    found = contents([item.source, *item.masks], item.before)
    with local(item.source) as path:
        return Looked(found, open_source(path, item.topic).count())


@dataclass(frozen=True, slots=True)
class Task:
    """Parts of a recording to track, and whether its outputs can be written after that."""

    number: int
    job: Job
    spans: tuple[Span, ...]  # of the whole recording
    parts: tuple[Part, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class TrackWork:
    """The recipe of a worker that tracks."""

    recipe: TrackerRecipe
    places: Places
    seal: str  # name of a file that the driver wrote into the output folder
    formats: tuple[str, ...]
    categories: Mapping[str, int]

    def __call__(self) -> Callable[[Task, Tick], int]:
        if not (self.places.out / self.seal).is_file():
            raise UnavailableError(
                f"a worker does not see {self.places.out}: give a folder that all machines share"
            )
        tracker = self.recipe.make()
        return lambda task, tick: self._do(task, tracker, tick)

    def _do(self, task: Task, tracker: Tracker, tick: Tick) -> int:
        """How many frames were tracked."""
        store = Store(self.places.tracks)
        with local(task.job.source) as path:
            source = open_source(path, task.job.topic)
            frames = sum(track(tracker.sibling(), source, part, store, tick) for part in task.parts)
            if task.last:
                view = View(task.job, task.spans, store)
                self._write(Recording(view, path, source, self.categories, tracker.config))
        return frames

    def _write(self, recording: Recording) -> None:
        outputs = {str(path): path for path in self.places.of(recording.name)}
        keep_apart(outputs, [recording.path])
        for name in self.formats:
            if name in EACH:
                EACH[name](recording, self.places)
        write_moments(recording, self.places)


def track(tracker: Tracker, source: Source, part: Part, store: Store, tick: Tick) -> int:
    """Tracks those spans of a part that were not tracked before; how many frames that took."""
    missing = distinct(span for span in part.spans if not store.holds(span))
    if not missing:
        return 0
    wanted = replace(part, spans=missing)
    frames, seen = 0, wanted.first_frame
    with store.writers(missing) as files:
        pending = Pending(files)
        for found in reading(source.follow(tracker, wanted)):
            pending.add(found)
            frames += 1
            tick(found.moment.number + 1 - seen)  # also those before, which were read
            seen = found.moment.number + 1
        pending.write()
    return frames


class ReadError(Exception):
    """The disk or the network failed while a recording was read; that may pass."""


def reading(founds: Iterator[Found]) -> Iterator[Found]:
    """The same; what fails while they are read is told apart from what fails while they are written."""
    try:
        yield from founds
    except OSError as error:
        raise ReadError(str(error)) from error


def distinct(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Of those that begin alike the one that goes farthest: it has the tracks of the others too."""
    farthest: dict[str, Span] = {}
    for span in spans:
        known = farthest.setdefault(span.key, span)
        if known.until is not None and (span.until is None or span.until > known.until):
            farthest[span.key] = span
    return tuple(farthest.values())
