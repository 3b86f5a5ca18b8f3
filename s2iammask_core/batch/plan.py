"""What has to be tracked for a job: spans of objects, and parts of the recording that can be done apart."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from s2iammask_core.batch.jobs import Job, Start, ordered
from s2iammask_core.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Span:
    """An object from one of its starts to the next, or to the end."""

    start: Start
    until: int | None  # where it is not tracked any more, in the unit of the start; None: to the end
    key: str  # of what its tracks depend on, but for `until`: the tracker does not look ahead


@dataclass(frozen=True, slots=True)
class Part:
    """Spans that are tracked together; no span of the recording reaches over the part's borders."""

    spans: tuple[Span, ...]

    @property
    def first(self) -> int:
        return min(span.start.at for span in self.spans)

    @property
    def stamped(self) -> bool:
        return self.spans[0].start.stamped

    @property
    def first_frame(self) -> int:
        """From where on frames are needed; stamps do not tell."""
        return 0 if self.stamped else self.first

    @property
    def until(self) -> int | None:
        ends = [span.until for span in self.spans]
        return None if None in ends else max(end for end in ends if end is not None)


def spans_of(job: Job, content: Mapping[str, str], settings: Mapping[str, object]) -> tuple[Span, ...]:
    """The spans in rising order.

    Args:
        content: digests of the recording and of the masks' files.
        settings: all that tracks depend on beside the recording and the starts.
    """
    common = [content[job.source], job.topic, settings]
    spans = [
        Span(start, until, _key([*common, *_said(start, content)]))
        for start, until in with_ends(ordered(job.starts))
        if not start.gone
    ]
    if not spans:
        raise DatasetError("it has no box and no mask to start from")
    return tuple(sorted(spans, key=lambda span: (span.start.at, span.start.id)))


def with_ends(starts: Sequence[Start]) -> Iterator[tuple[Start, int | None]]:
    """Each start with the place of the next one of its object, where it ends; None for the last."""
    by_object = sorted(starts, key=lambda start: (start.id, start.at))
    for _, group in groupby(by_object, key=lambda start: start.id):
        own = list(group)
        ends = [start.at for start in own[1:]] + [None]
        yield from zip(own, ends, strict=True)


def _said(start: Start, content: Mapping[str, str]) -> list[object]:
    """What a start tells the tracker; ids and labels are no matter to it."""
    box = None if start.box is None else [start.box.x1, start.box.y1, start.box.x2, start.box.y2]
    mask = content.get(start.mask, start.mask)
    return [start.at, start.stamped, box, start.percent, mask, start.value]


def _key(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def parts_of(spans: Sequence[Span], least: int) -> tuple[Part, ...]:
    """The parts in rising order, each at least so many frames long, if spans allow it.

    A part begins only at a start that no other object's span reaches over.
    """
    parts: list[list[Span]] = [[]]
    for span in spans:
        if _may_begin(span, parts[-1], least):
            parts.append([])
        parts[-1].append(span)
    return tuple(Part(tuple(part)) for part in parts)


def _may_begin(span: Span, part: Sequence[Span], least: int) -> bool:
    if not part or span.start.stamped:
        return False
    over = all(each.until is not None and each.until <= span.start.at for each in part)
    return over and span.start.at - Part(tuple(part)).first >= least


def job_key(job: Job, spans: Sequence[Span], formats: Sequence[str]) -> str:
    """Of all that the outputs of a recording depend on."""
    said = [[span.key, span.until, span.start.id, span.start.label] for span in spans]
    return _key([job.source, job.topic, job.name, said, sorted(formats)])
