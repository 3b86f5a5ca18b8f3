"""Tables with a head: comma separated values, read row by row, so that they may be of any length."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from s2iammask_core.errors import DatasetError
from s2iammask_core.files.texts import encoding_of


def read_table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The number of the line where each row ends, and its values by the names of the columns.

    Blank lines are left out, and a row that is too short lacks the last columns. DatasetError names the file,
    and the row that is too long or broken.
    """
    with _told(path), path.open(encoding=encoding_of(path), newline="") as file:
        table = csv.DictReader(file, strict=True)
        for found in table:
            if None in found:
                raise DatasetError(f"{path}, row {table.line_num}: it has more values than there are columns")
            yield table.line_num, {name: value for name, value in found.items() if value is not None}


def columns_of(path: Path) -> tuple[str, ...]:
    """The names in the head; none of an empty file."""
    with _told(path), path.open(encoding=encoding_of(path), newline="") as file:
        return tuple(csv.DictReader(file, strict=True).fieldnames or ())


def read_lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Each line with its number; DatasetError if it is no text."""
    with _told(path), path.open(encoding=encoding_of(path)) as file:
        yield from enumerate(file, start=1)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (UnicodeError, csv.Error) as error:
        raise DatasetError(f"{path} is no table in UTF-8 or UTF-16: {error}") from error
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
