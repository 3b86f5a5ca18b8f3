"""Text files: lines, lists of names and rows of numbers, in whatever encoding editors save them."""

import codecs
import re
from pathlib import Path

from s2iammask_core.errors import DatasetError

_MARKS = {  # at the beginning of a file; one that begins with another comes first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LINE_END = re.compile(r"\r\n|\r|\n")
_SEPARATOR = re.compile(r"\s*[,;]\s*|\s+")  # the dialects of OTB mix all of them


def read_text(path: Path) -> str:
    """UTF-8, or what a byte order mark says; DatasetError if it is something else."""
    try:
        content = path.read_bytes()
        return content.decode(_encoding(content))
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeError as error:
        raise DatasetError(f"{path} is no text in UTF-8 or UTF-16: {error}") from error


def encoding_of(path: Path) -> str:
    """What its byte order mark says, or UTF-8."""
    try:
        with path.open("rb") as file:
            return _encoding(file.read(max(map(len, _MARKS))))
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error


def _encoding(content: bytes) -> str:
    return next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")


def read_lines(path: Path) -> list[str]:
    """All lines, stripped; blank ones are kept, except at the end."""
    lines = [line.strip() for line in _LINE_END.split(read_text(path))]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def read_names(path: Path) -> tuple[str, ...]:
    """The names in a list, one in each line; DatasetError if it holds none, or one of them twice."""
    names = tuple(filter(None, read_lines(path)))
    if not names:
        raise DatasetError(f"the list {path} is empty")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(f"the list {path} names {twice[0]} more than once")
    return names


def read_number_rows(path: Path) -> list[list[float]]:
    """The numbers in each line, separated by commas, semicolons, tabs or spaces; none for a blank line.

    So row n is always that of frame n. DatasetError names the line that holds something else.
    """
    return [_numbers(line, path, number) for number, line in enumerate(read_lines(path), start=1)]


def _numbers(line: str, path: Path, number: int) -> list[float]:
    parts = _SEPARATOR.split(line.rstrip(",; \t")) if line else []
    try:
        return [_number(part) for part in parts]
    except ValueError as error:
        raise DatasetError(f"{path}, line {number}: {line[:80]!r} is not a row of numbers") from error


def _number(text: str) -> float:
    if "_" in text:  # Python takes 1_000 for a number
        raise ValueError(text)
    return float(text)
