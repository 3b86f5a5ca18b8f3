"""What runs in a process of Ray."""

import os
import pickle
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import cv2
import ray

from s2iammask_core.errors import S2iamMaskError
from s2iammask_core.spread.plan import Recipe, Work

WATCH = "watch"  # the thread that answers while another one works


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an item."""

    result: Any
    error: Exception | None
    frames: int  # that it reported


class Worker:
    """Keeps what it works with from one item to the next. Errors are answers, so that Ray wraps none."""

    def __init__(self, cpus: int, folder: str) -> None:
        """folder: in which the work was asked for."""
        cv2.setNumThreads(cpus)  # or each would take all cores, which the others have
        with suppress(OSError):  # another machine may not have it
            os.chdir(folder)  # so that paths mean here what they mean there
        self._work: Work[Any, Any] | None = None
        self._turn, self._frames = 0, 0

    def begin(self, recipe: Recipe) -> Exception | None:
        """Makes what is needed, in the place of what was before; the error if that cannot be."""
        self._work = None
        try:
            self._work = recipe()
        except Exception as error:
            return sendable(error)
        return None

    def run(self, turn: int, item: Any) -> Answer:
        self._turn, self._frames = turn, 0
        try:
            assert self._work is not None
            return Answer(self._work(item, self._tick), None, self._frames)
        except Exception as error:
            return Answer(None, sendable(error), self._frames)

    @ray.method(concurrency_group=WATCH)
    def progress(self) -> tuple[int, int]:
        """The turn, and the frames that are done in it; answered while an item is worked on."""
        return self._turn, self._frames

    def _tick(self, frames: int) -> None:
        self._frames += frames


def sendable(error: Exception) -> Exception:
    """The error, or one of the same words where it cannot be sent to another process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        kind = S2iamMaskError if isinstance(error, S2iamMaskError) else RuntimeError
        return kind(f"{type(error).__name__}: {error}")
    return error
