"""From a table of recordings to labels: everything that the process does which people start."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from s2iammask_core.batch import corrections
from s2iammask_core.batch.formats.each import EACH
from s2iammask_core.batch.formats.places import Places
from s2iammask_core.batch.formats.review import page, review
from s2iammask_core.batch.formats.whole import WHOLE, write_whole
from s2iammask_core.batch.jobs import Job, Row
from s2iammask_core.batch.manifest import End, Manifest, State
from s2iammask_core.batch.plan import Span, job_key, parts_of, spans_of
from s2iammask_core.batch.store import Store
from s2iammask_core.batch.targets import is_run_lengths
from s2iammask_core.batch.view import UNNAMED, View
from s2iammask_core.batch.work import Look, LookWork, Task, TrackerRecipe, TrackWork
from s2iammask_core.errors import S2iamMaskError
from s2iammask_core.spread import Crew, Failed, Outcome, Tick, Workers, crew, no_tick

SOMETIMES = 1.0  # seconds of looking at recordings that may have to be done again
SEAL = ".run-"
FORMATS = tuple(dict.fromkeys([*WHOLE, *EACH]))


@dataclass(frozen=True, slots=True)
class Request:
    """What to do with the recordings, and how."""

    recipe: TrackerRecipe
    out: Path
    formats: tuple[str, ...] = ("coco", "boxes")
    workers: Workers = Workers()
    least: int = 2000  # frames of a part, if a recording may be split
    again: bool = False  # whether those that failed before are tried again


@dataclass(frozen=True, slots=True)
class Watch:
    """Who watches the progress."""

    looked: Tick = no_tick  # recordings that were looked at
    begin: Callable[[int, int], None] = lambda recordings, frames: None  # what is to be done
    ended: Callable[[Job, End], None] = lambda job, end: None
    frames: Tick = no_tick


def run(
    request: Request, manifest: Manifest, rows: Iterable[Row], watch: Watch = Watch()
) -> dict[State, int]:
    """Tracks whatever is not tracked yet and writes the outputs; how many recordings ended how."""
    places = Places(request.out.absolute())
    Store(places.tracks).tidy()
    manifest.load(rows, corrections.kept(places.out))
    planner = Planner(manifest, request)
    with sealed(places.out) as seal, crew(request.workers) as hands:
        look(planner, hands, watch)
        claim(planner, watch)
        work = TrackWork(request.recipe, places, seal, request.formats, planner.categories)
        track(planner, hands, work, watch)
    write(planner, places)
    return manifest.counts()


@dataclass
class Planner:
    """Knows what has to be done for a recording."""

    manifest: Manifest
    request: Request
    settings: Mapping[str, object] = field(init=False)
    categories: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.settings = json.loads(json.dumps(self.request.recipe.describe()))
        labels = dict.fromkeys(label or UNNAMED for label in self.manifest.labels())
        self.categories = {label: number for number, label in enumerate(labels, start=1)}

    def spans(self, job: Job) -> tuple[Span, ...]:
        sources = [job.source, *masks_of(job)]
        content = {source: known.digest for source, known in self.manifest.known(sources).items()}
        return spans_of(job, content, self.settings)

    def key(self, job: Job, spans: tuple[Span, ...]) -> str:
        formats = [name for name in self.request.formats if name in EACH]
        classes = [json.dumps(self.categories)] if "mots" in formats else []
        return job_key(job, spans, [*formats, *classes])

    def views(self) -> Iterator[View]:
        """Of all recordings that are done."""
        store = Store(Places(self.request.out.absolute()).tracks)
        for _, job in self.manifest.jobs(state=State.DONE):
            yield View(job, self.spans(job), store)


def masks_of(job: Job) -> tuple[str, ...]:
    """The files of masks that objects begin with."""
    masks = (start.mask for start in job.starts if start.mask and not is_run_lengths(start.mask))
    return tuple(dict.fromkeys(masks))


def look(planner: Planner, hands: Crew, watch: Watch) -> None:
    """Finds out what the recordings hold; one that cannot be read fails."""
    manifest = planner.manifest

    def items() -> Iterator[Look]:
        for number, job in manifest.jobs():
            masks = masks_of(job)
            yield Look(number, job.source, job.topic, masks, manifest.known([job.source, *masks]))

    for outcome in hands.run(LookWork(), items()):
        item: Look = outcome.item
        if isinstance(outcome, Failed):
            manifest.end(item.number, End(State.FAILED, reason(outcome), outcome.tries))
        else:
            manifest.learn(outcome.result.contents, {item.source: outcome.result.frames})
        manifest.settle(SOMETIMES)
        watch.looked(1)
    manifest.settle()


def claim(planner: Planner, watch: Watch) -> None:
    """Finds out what is done already; a recording whose starts contradict each other fails."""
    manifest = planner.manifest
    for number, job in manifest.jobs(state=State.PENDING):
        _claim(planner, number, job)
    manifest.settle()
    watch.begin(manifest.counts()[State.PENDING], manifest.frames())


def _claim(planner: Planner, number: int, job: Job) -> None:
    try:
        spans = planner.spans(job)
    except S2iamMaskError as error:
        planner.manifest.end(number, End(State.FAILED, str(error)))
    else:
        planner.manifest.claim(number, planner.key(job, spans), planner.request.again)


def track(planner: Planner, hands: Crew, work: TrackWork, watch: Watch) -> None:
    """Brings every pending recording to its end."""
    feed = Feed(planner)
    for outcome in hands.run(work, feed, watch.frames):
        task: Task = outcome.item
        end = feed.took(outcome)
        if end is not None:
            planner.manifest.end(task.number, end)
            planner.manifest.settle()
            watch.ended(task.job, end)


@dataclass
class Progress:
    """Of a recording in parts."""

    left: int  # parts that are not done
    frames: int = 0
    failed: bool = False


class Feed(Iterator[Task]):
    """Tasks, the longest recordings first. It may have more after it had none for the moment."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._jobs = planner.manifest.jobs(longest_first=True, state=State.PENDING)
        self._ready: deque[Task] = deque()
        self._begun: dict[int, Progress] = {}

    def __next__(self) -> Task:
        while self._ready:
            task = self._ready.popleft()
            if not self._begun[task.number].failed:
                return task
        number, job = next(self._jobs)
        spans = self._planner.spans(job)
        parts = parts_of(spans, self._planner.request.least)
        self._begun[number] = Progress(len(parts))
        if len(parts) == 1:
            return Task(number, job, spans, parts, last=True)
        self._ready.extend(Task(number, job, spans, (part,), last=False) for part in parts)
        return self._ready.popleft()

    def took(self, outcome: Outcome[Task, int] | Failed[Task]) -> End | None:
        """What became of the recording, once that is clear."""
        task = outcome.item
        progress = self._begun[task.number]
        if isinstance(outcome, Failed):
            is_first, progress.failed = not progress.failed, True
            self._forget(task.number, progress)
            return End(State.FAILED, reason(outcome), outcome.tries, progress.frames) if is_first else None
        progress.frames += outcome.result
        if task.last:
            del self._begun[task.number]
            return End(State.DONE, frames=progress.frames)
        progress.left -= 1
        if not progress.left and not progress.failed:
            self._ready.appendleft(Task(task.number, task.job, task.spans, (), last=True))
        return None

    def _forget(self, number: int, progress: Progress) -> None:
        """Its other parts are not begun any more."""
        self._ready = deque(task for task in self._ready if task.number != number)


def reason(failed: Failed[Any]) -> str:
    if isinstance(failed.error, S2iamMaskError):
        return str(failed.error)
    return f"{type(failed.error).__name__}: {failed.error}"


@contextmanager
def sealed(out: Path) -> Iterator[str]:
    """The name of a file by which workers know the output folder, for the duration of the block."""
    for left in out.glob(f"{SEAL}*"):  # by a run that was killed
        left.unlink()
    seal = out / f"{SEAL}{uuid4().hex}"
    seal.touch()
    try:
        yield seal.name
    finally:
        seal.unlink(missing_ok=True)


def write(planner: Planner, places: Places) -> None:
    """The outputs of all recordings together."""
    places.prune(planner.manifest.is_done)
    wanted = [WHOLE[name] for name in planner.request.formats if name in WHOLE]
    write_whole([*wanted, review, page], planner.views(), places, planner.categories)
