"""What a replay tracks, and where in the bag it begins and ends."""

from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from s2iammask_core import Box
from s2iammask_core.batch.jobs import Row, Start, free_ids, ordered
from s2iammask_core.batch.plan import with_ends
from s2iammask_core.batch.reading import read_rows
from s2iammask_core.errors import ConfigError, DatasetError, TargetError
from s2iammask_ros.messages.stamps import SECOND, seconds_text


@dataclass(frozen=True, slots=True)
class Planned:
    """An object from one of its starts to the next, or to the end of the bag."""

    name: str
    start: Start
    until: int | None  # where it ends, in the unit of the start

    def begins(self, at: int) -> bool:
        """Whether it begins here or has begun; a stamp between two images means the later one."""
        return self.start.at <= at

    def ends(self, at: int) -> bool:
        return self.until is not None and self.until <= at


def planned(args: Namespace, first: int) -> list[Planned]:
    """What the command line asks for, the objects in the order of their numbers.

    first: stamp of the first image of the bag.
    """
    if args.targets is None:
        return list(_drawn(args, _moment(args, first)))
    if args.id or args.label or args.start_stamp is not None or args.start_offset is not None:
        raise ConfigError("the file of --targets says ids, labels and starts; leave those options out")
    return _listed(args.targets, args.bag, args.image)


def _moment(args: Namespace, first: int) -> int:
    """The stamp at which boxes begin, nanoseconds."""
    if args.start_stamp is not None:
        return args.start_stamp  # type: ignore[no-any-return]
    return first + (args.start_offset or 0)


def _drawn(args: Namespace, at: int) -> Iterator[Planned]:
    names = _one_each("--id", args.id, args.box) or [str(1 + each) for each in range(len(args.box))]
    labels = _one_each("--label", args.label, args.box) or [""] * len(args.box)
    if len(set(names)) < len(names):
        raise ConfigError(f"ids must differ; got {', '.join(names)}")
    for number, (text, name, label) in enumerate(zip(args.box, names, labels, strict=True), start=1):
        yield Planned(name, Start(at, number, label, Box.from_text(text), stamped=True), None)


def _one_each(option: str, values: Sequence[str], boxes: Sequence[str]) -> list[str]:
    if values and len(values) != len(boxes):
        raise ConfigError(f"{len(boxes)} --box but {len(values)} {option}; give one for each, or none")
    return list(values)


def _listed(file: Path, bag: Path, topic: str) -> list[Planned]:
    """The rows of a table or of annotations that are about the bag; others are passed over."""
    starts = [row.start for row in read_rows(file) if _is_about(row, bag, topic)]
    if not starts:
        raise DatasetError(f"no row of {file} is about the recording {bag}")
    free = free_ids(start.id for start in starts)
    numbered = [start if start.id else replace(start, id=next(free)) for start in starts]
    found = [
        Planned(str(start.id), start, until)
        for start, until in with_ends(ordered(numbered))
        if not start.gone
    ]
    if not found:
        raise DatasetError(f"{file} has no box and no mask to start from in the recording {bag}")
    return found


def _is_about(row: Row, bag: Path, topic: str) -> bool:
    same = "://" not in row.source and Path(row.source).resolve() == bag.resolve()
    return same and (not topic or row.topic in ("", topic))


def nanoseconds_of(text: str) -> int:
    """Of seconds, with all their digits."""
    try:
        value = Decimal(text)
        if not value.is_finite() or value < 0:
            raise InvalidOperation
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is no number of seconds, 0 or more") from None
    return int(value * SECOND)


def check_all_began(waiting: Sequence[Planned]) -> None:
    """TargetError for an object whose start lies behind the end of the bag."""
    for each in waiting:
        at = f"stamp {seconds_text(each.start.at)}" if each.start.stamped else f"image {each.start.at}"
        raise TargetError(f"{at}, where {each.name} begins, lies behind the end of the bag")
