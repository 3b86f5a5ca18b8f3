"""What the runner, the command line and the reports need of a benchmark."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from s2iammask_core.evaluation.protocols import Runnable
from s2iammask_core.evaluation.reports.pictures import Drawing
from s2iammask_core.evaluation.reports.record import Report
from s2iammask_core.evaluation.speed import Speed


class Benchmark(Protocol):
    """A data set with its protocol and score. It can be sent to another process."""

    @property
    def name(self) -> str: ...

    @property
    def protocol(self) -> str:
        """How sequences are run; results of another protocol are not comparable."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The sequences."""
        ...

    @property
    def objective(self) -> str:
        """The figure of the report that a search maximises."""
        ...

    @property
    def has_truth(self) -> bool:
        """Whether all sequences can be scored here; of some test sets only a server knows the truth."""
        ...

    def only(self, names: Iterable[str]) -> "Benchmark":
        """The same with these sequences alone."""
        ...

    def thinned(self, step: int) -> "Benchmark":
        """The same with every step-th frame alone, for trials on slow machines; protocol says so."""
        ...

    def length(self, name: str) -> int:
        """Frames of a sequence."""
        ...

    def digest(self, name: str) -> str:
        """Changes with what a sequence's results are made from: its frames, its truth, where it starts."""
        ...

    def is_done(self, name: str, results: Path) -> bool:
        """Whether the sequence's results are complete."""
        ...

    def run(self, name: str, tracker: Runnable, results: Path) -> Speed:
        """Runs a tracker without targets through a sequence, and writes its results."""
        ...

    def finish(self, results: Path) -> None:
        """Makes what is made of all results at the end, such as a zip for submission."""
        ...

    def score(self, results: Path) -> Report:
        """ResultsError if anything is missing or does not fit."""
        ...

    def drawing(self, name: str, frame: int, results: Path) -> Drawing:
        """The picture of one frame with the truth and the answer on it."""
        ...
