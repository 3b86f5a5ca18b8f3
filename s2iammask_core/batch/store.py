"""What was tracked: a file for each span, found by what its tracks depend on."""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from uuid import uuid4

from s2iammask_core.batch.plan import Span
from s2iammask_core.batch.rows import TrackRow
from s2iammask_core.errors import ResultsError
from s2iammask_core.files.outputs import growing_file

OWN = ".made-"  # how files begin that are not whole yet
END = "end"  # in the name of a file that reaches to the end of the recording


@dataclass(frozen=True, slots=True)
class Store:
    """The folder of all spans. Files appear whole or not at all, so any number of processes may write."""

    folder: Path

    def holds(self, span: Span) -> bool:
        return self._file(span) is not None

    def rows(self, span: Span) -> Iterator[TrackRow]:
        """The tracks of a span, in rising order; ResultsError if they are not there."""
        path = self._file(span)
        if path is None:
            raise ResultsError(f"the tracks {self._name(span)} are gone; run it again")
        with path.open(encoding="utf-8") as file:
            for line in file:
                row = TrackRow.of(json.loads(line))
                if span.until is not None and row.at(span.start.stamped) >= span.until:
                    return
                yield row

    @contextmanager
    def writers(self, spans: Iterable[Span]) -> Iterator[dict[int, TextIO]]:
        """An open file for each span, by its place; they are kept unless an error ends the block."""
        made = {number: self._name(span) for number, span in enumerate(spans)}
        # Names of their own: recordings of the same content may be tracked at the same time.
        own = {number: path.with_name(f"{OWN}{uuid4().hex}") for number, path in made.items()}
        with ExitStack() as stack:
            yield {number: stack.enter_context(growing_file(path)) for number, path in own.items()}
        for number, path in own.items():
            path.replace(made[number])

    def tidy(self) -> None:
        """Takes away what processes that were killed left behind."""
        for left in self.folder.glob(f"*/{OWN}*"):
            left.unlink(missing_ok=True)

    def _file(self, span: Span) -> Path | None:
        """A file that goes at least as far as the span."""
        for path in sorted(self._name(span).parent.glob(f"{span.key}.*.jsonl")):
            reach = path.name.split(".")[1]
            if reach == END or (span.until is not None and int(reach) >= span.until):
                return path
        return None

    def _name(self, span: Span) -> Path:
        reach = END if span.until is None else span.until
        return self.folder / span.key[:2] / f"{span.key}.{reach}.jsonl"
