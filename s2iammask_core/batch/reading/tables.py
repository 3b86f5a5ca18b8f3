"""Tables: one row for each start of an object. They are read row by row, so they may be of any length."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from s2iammask_core.batch.jobs import Row, Start
from s2iammask_core.batch.reading import values
from s2iammask_core.boxes import Box
from s2iammask_core.errors import DatasetError, UnavailableError
from s2iammask_core.files.tables import read_lines_of, read_table

BOX = ("x", "y", "width", "height")
COLUMNS = ("recording", "topic", "name", "frame", "stamp", "id", "label", *BOX, "mask", "value")
ROWS_AT_ONCE = 4096  # of a parquet file


def row_of(found: Mapping[str, Any], folder: Path) -> Row:
    """A row from the values of its columns; DatasetError for those that make none.

    Args:
        folder: what paths are relative to.
    """
    given = {name: _plain(value) for name, value in found.items()}
    given = {name: value for name, value in given.items() if not isinstance(value, str) or value}
    if unknown := sorted(given.keys() - set(COLUMNS)):
        raise DatasetError(f"unknown column {unknown[0]!r}; known are {', '.join(COLUMNS)}")
    if "recording" not in given:
        raise DatasetError("a row needs a recording")
    source = placed(values.text("recording", given["recording"]), folder)
    topic, name = (values.text(each, given.get(each, "")) for each in ("topic", "name"))
    return Row(source, _start(given, folder), topic, name)


def _start(given: Mapping[str, Any], folder: Path) -> Start:
    if "frame" in given and "stamp" in given:
        raise DatasetError("a row has a frame or a stamp, not both")
    mask = _mask(given.get("mask", ""))
    return Start(
        at=_at(given),
        id=values.whole("id", given.get("id", 0)),
        label=values.text("label", given.get("label", "")),
        box=_box(given),
        mask=mask if mask.startswith("{") else placed(mask, folder),
        value=values.whole("value", given.get("value", 0)),
        stamped="stamp" in given,
    )


def _at(given: Mapping[str, Any]) -> int:
    name = "stamp" if "stamp" in given else "frame"
    return values.whole(name, given.get(name, 0))


def _mask(given: Any) -> str:
    """A path, or run lengths as the text of a json object."""
    return json.dumps(given) if isinstance(given, dict) else values.text("mask", given)


def _box(given: Mapping[str, Any]) -> Box | None:
    missing = [name for name in BOX if name not in given]
    if len(missing) == len(BOX):
        return None
    if missing:
        raise DatasetError(f"the box has no {missing[0]}")
    if "mask" in given:
        raise DatasetError("a row has a box or a mask, not both")
    return values.box(given[name] for name in BOX)


def _plain(value: Any) -> Any:
    """Blank for what a table has no value for."""
    if value is None or value != value:  # not a number
        return ""
    return value.strip() if isinstance(value, str) else value


def placed(source: str, folder: Path) -> str:
    """A path as an absolute one; URLs stay as they are."""
    if not source or "://" in source:
        return source
    return str((folder / source).absolute())


def _csv(path: Path) -> Iterator[Row]:
    for number, found in read_table(path):
        yield _named(path, number, found)


def _json_lines(path: Path) -> Iterator[Row]:
    for number, line in read_lines_of(path):
        if line.strip():
            yield _named(path, number, _object(path, number, line))


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}, row {number}: {error}") from error
    if not isinstance(found, dict):
        raise DatasetError(f"{path}, row {number} must be a json object, not {type(found).__name__}")
    box = found.pop("box", None)
    if box is not None:
        if not isinstance(box, list) or len(box) != len(BOX):
            raise DatasetError(f"{path}, row {number}: a box is [x, y, width, height], got {box!r}")
        found |= zip(BOX, box, strict=True)
    return found


def _parquet(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise UnavailableError(f"{path} needs pyarrow: pip install 's2iammask[batch]'") from error
    number = 0
    try:
        with parquet.ParquetFile(path) as table:
            for batch in table.iter_batches(ROWS_AT_ONCE):
                for found in batch.to_pylist():
                    number += 1
                    yield _named(path, number, found)
    except (ArrowException, OSError, UnicodeError, ValueError) as error:
        raise DatasetError(f"{path} is no parquet table: {error}") from error


def _named(path: Path, number: int, found: Mapping[str, Any]) -> Row:
    try:
        return row_of(found, path.parent)
    except DatasetError as error:
        raise DatasetError(f"{path}, row {number}: {error}") from error


TABLES: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
