"""Tables: one row for each start of an object. They are read row by row, so they may be of any length."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from s2iammask_core.batch.jobs import Row, Start
from s2iammask_core.boxes import Box
from s2iammask_core.errors import DatasetError, UnavailableError

BOX = ("x", "y", "width", "height")
COLUMNS = ("recording", "topic", "name", "frame", "stamp", "id", "label", *BOX, "mask", "value")
ROWS_AT_ONCE = 4096  # of a parquet file


def row_of(values: Mapping[str, Any], folder: Path) -> Row:
    """A row from the values of its columns; DatasetError for those that make none.

    Args:
        folder: what paths are relative to.
    """
    given = {name: _plain(value) for name, value in values.items() if _plain(value) != ""}
    if unknown := sorted(given.keys() - set(COLUMNS)):
        raise DatasetError(f"unknown column {unknown[0]!r}; known are {', '.join(COLUMNS)}")
    if "recording" not in given:
        raise DatasetError("a row needs a recording")
    source = placed(str(given["recording"]), folder)
    return Row(source, _start(given, folder), str(given.get("topic", "")), str(given.get("name", "")))


def _start(given: Mapping[str, Any], folder: Path) -> Start:
    if "frame" in given and "stamp" in given:
        raise DatasetError("a row has a frame or a stamp, not both")
    mask = str(given.get("mask", ""))
    return Start(
        at=_whole(given, "stamp" if "stamp" in given else "frame", 0),
        id=_whole(given, "id", 0),
        label=str(given.get("label", "")),
        box=_box(given),
        mask=mask if mask.startswith("{") else placed(mask, folder),
        value=_whole(given, "value", 0),
        stamped="stamp" in given,
    )


def _box(given: Mapping[str, Any]) -> Box | None:
    missing = [name for name in BOX if name not in given]
    if len(missing) == len(BOX):
        return None
    if missing:
        raise DatasetError(f"the box has no {missing[0]}")
    if "mask" in given:
        raise DatasetError("a row has a box or a mask, not both")
    try:
        return Box.from_xywh(*(float(given[name]) for name in BOX))
    except (TypeError, ValueError) as error:
        raise DatasetError(f"the box {[given[name] for name in BOX]} is no four numbers") from error


def _whole(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name, default)
    try:
        number = int(value)  # of a text all digits count: stamps have more of them than a float holds
        if number < 0 or (number != value and isinstance(value, float)):
            raise ValueError(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise DatasetError(f"{name} must be a whole number of 0 or more, got {value!r}") from error
    return number


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
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            for number, values in enumerate(csv.DictReader(file), start=2):
                if None in values:
                    raise DatasetError(f"{path}, row {number}: it has more values than there are columns")
                yield _named(path, number, values)
        except (UnicodeDecodeError, csv.Error) as error:
            raise DatasetError(f"{path} is no table in UTF-8: {error}") from error


def _json_lines(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _named(path, number, _object(path, number, line))
        except UnicodeDecodeError as error:
            raise DatasetError(f"{path} is no text in UTF-8: {error}") from error


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}, row {number}: {error}") from error
    if not isinstance(values, dict):
        raise DatasetError(f"{path}, row {number} must be a json object, not {type(values).__name__}")
    box = values.pop("box", None)
    if box is not None:
        if not isinstance(box, list) or len(box) != len(BOX):
            raise DatasetError(f"{path}, row {number}: a box is [x, y, width, height], got {box!r}")
        values |= zip(BOX, box, strict=True)
    if isinstance(values.get("mask"), dict):
        values["mask"] = json.dumps(values["mask"])
    return values


def _parquet(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise UnavailableError(f"{path} needs pyarrow: pip install 's2iammask[batch]'") from error
    number = 0
    try:
        with parquet.ParquetFile(path) as table:
            for batch in table.iter_batches(ROWS_AT_ONCE):
                for values in batch.to_pylist():
                    number += 1
                    yield _named(path, number, values)
    except (ArrowException, OSError) as error:
        raise DatasetError(f"{path} is no parquet table: {error}") from error


def _named(path: Path, number: int, values: Mapping[str, Any]) -> Row:
    try:
        return row_of(values, path.parent)
    except DatasetError as error:
        raise DatasetError(f"{path}, row {number}: {error}") from error


TABLES: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
