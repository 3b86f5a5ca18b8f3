"""One way to spread work over workers; what comes of it does not depend on how many there are."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from s2iammask_core.errors import S2iamMaskError
from s2iammask_core.spread.plan import Failed, Outcome, Recipe, Tick, Work, Workers, cannot_begin, no_tick


class Crew(Protocol):
    """Workers that stay for several kinds of work, one after the other."""

    def run(
        self, recipe: Recipe, items: Iterable[Any], tick: Tick = no_tick
    ) -> Iterator[Outcome[Any, Any] | Failed[Any]]:
        """As `spread` does it."""
        ...


@contextmanager
def crew(workers: Workers) -> Iterator[Crew]:
    """Those who work, for the duration of the block."""
    if workers.count == 0:
        yield Here(workers)
        return
    from s2iammask_core.spread.pool import Pool  # Ray, which work in this process needs not

    with Pool(workers) as pool:
        yield pool


def spread(
    recipe: Recipe, items: Iterable[Any], workers: Workers, tick: Tick = no_tick
) -> Iterator[Outcome[Any, Any] | Failed[Any]]:
    """What comes of each item, as it is done; items are taken as workers become free.

    An error of this package is final for its item; anything else, also the death of the process, is tried
    again in a fresh worker. S2iamMaskError is raised if no worker can begin. The frames of a try that failed
    are taken back: tick gets a negative number.
    """
    with crew(workers) as hands:
        yield from hands.run(recipe, items, tick)


class Here:
    """Works in this process."""

    def __init__(self, workers: Workers) -> None:
        self._most = workers.retries + 1

    def run(
        self, recipe: Recipe, items: Iterable[Any], tick: Tick = no_tick
    ) -> Iterator[Outcome[Any, Any] | Failed[Any]]:
        work: Work[Any, Any] | None = None
        for item in items:
            for tries in range(1, self._most + 1):
                work = work or _begun(recipe)
                outcome = _tried(work, item, tick, tries)
                if isinstance(outcome, Outcome) or isinstance(outcome.error, S2iamMaskError):
                    break
                work = None
            yield outcome


def _begun(recipe: Recipe) -> Work[Any, Any]:
    try:
        return recipe()
    except S2iamMaskError:
        raise
    except Exception as error:
        raise cannot_begin(error) from error


def _tried(work: Work[Any, Any], item: Any, tick: Tick, tries: int) -> Outcome[Any, Any] | Failed[Any]:
    counted = 0

    def count(frames: int) -> None:
        nonlocal counted
        counted += frames
        tick(frames)

    try:
        return Outcome(item, work(item, count))
    except Exception as error:
        tick(-counted)
        return Failed(item, error, tries)
