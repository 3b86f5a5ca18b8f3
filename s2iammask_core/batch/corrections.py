"""What people corrected: it is kept in the output folder, and counts in every later run."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from s2iammask_core.batch.jobs import Row, Start
from s2iammask_core.batch.reading import read_rows, values
from s2iammask_core.batch.reading.tables import BOX
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.outputs import growing_file
from s2iammask_core.files.tables import columns_of, read_table

GONE = "gone"
FILE = "corrections.csv"
COLUMNS = ("recording", "topic", "frame", "stamp", "id", "label", *BOX, "mask", "value")


def read_review(path: Path) -> Iterator[Row]:
    """The rows of review.csv whose `corrected` is filled, or all of another table or json of first boxes."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        yield from read_rows(path)
        return
    if "corrected" not in columns_of(path):
        yield from read_rows(path)
        return
    for number, found in read_table(path):
        if found.get("corrected", "").strip():
            yield _corrected(path, number, found)


def _corrected(path: Path, number: int, found: Mapping[str, str]) -> Row:
    text = found["corrected"].strip()
    try:
        unit = "stamp" if found["by"] == "stamp" else "frame"
        place = None if text.lower() == GONE else values.box(text.replace(",", " ").split())
        at, id_ = values.whole(unit, found[unit]), values.whole("id", found["id"])
        start = Start(at, id_, found["label"], place, stamped=unit == "stamp")
        return Row(found["recording"], start, found["topic"])
    except (DatasetError, KeyError) as error:
        raise DatasetError(
            f"{path}, row {number}: {error}; `corrected` is x,y,width,height or {GONE}"
        ) from error


def add(out: Path, rows: Iterable[Row]) -> None:
    """Adds corrections to those that are kept; a new one counts before an old one of the same place."""
    known = {_place(row): row for row in kept(out)}
    known |= {_place(row): row for row in rows}
    with growing_file(out / FILE) as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows(_values(row) for row in known.values())


def kept(out: Path) -> Iterator[Row]:
    """The corrections of an output folder."""
    return read_rows(out / FILE) if (out / FILE).is_file() else iter(())


def _place(row: Row) -> tuple[object, ...]:
    return row.source, row.topic, row.start.at, row.start.stamped, row.start.id


def _values(row: Row) -> list[object]:
    start = row.start
    frame, stamp = ("", start.at) if start.stamped else (start.at, "")
    box = ("",) * 4 if start.box is None else start.box.xywh
    return [row.source, row.topic, frame, stamp, start.id, start.label, *box, start.mask, start.value or ""]
