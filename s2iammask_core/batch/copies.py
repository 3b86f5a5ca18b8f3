"""Recordings and masks from anywhere that fsspec reaches, as files on this machine; and what is in them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fsspec

from s2iammask_core.errors import DatasetError

BLOCK = 2**20  # bytes


@dataclass(frozen=True, slots=True)
class Known:
    """What a file or folder held when it was looked at."""

    mark: str  # changes when the content does: size, time or version, as the file system has it
    digest: str  # sha256 of names and contents


@contextmanager
def local(source: str) -> Iterator[Path]:
    """The path itself, or for the duration of the block a copy of what the URL names."""
    files, place = _found(source)
    if _is_local(files):
        yield Path(place)
        return
    with TemporaryDirectory(prefix="s2iammask") as folder:
        copy = Path(folder) / (Path(place).name or "recording")
        with _named(source):
            files.get(place, str(copy), recursive=files.isdir(place))
        yield copy


def look(source: str, before: Known | None) -> Known:
    """What it holds; it is read only if it seems to have changed. DatasetError if it is not there."""
    files, place = _found(source)
    with _named(source):
        paths = sorted(files.find(place)) if files.isdir(place) else [place]
        marks = [files.ukey(path) for path in paths]
        mark = hashlib.sha256("\n".join(marks).encode()).hexdigest()
        if before is not None and before.mark == mark:
            return before
        return Known(mark, _digest(files, place, paths))


def _digest(files: Any, place: str, paths: Sequence[str]) -> str:
    """Of all files below a place, by their names below it."""
    whole = hashlib.sha256()
    for path in paths:
        part = hashlib.sha256()
        with files.open(path, "rb") as file:
            while block := file.read(BLOCK):
                part.update(block)
        whole.update(f"{path.removeprefix(place)}\0{part.hexdigest()}\n".encode())
    return whole.hexdigest()


def _found(source: str) -> tuple[Any, str]:
    try:
        files, place = fsspec.core.url_to_fs(source)
    except (ValueError, ImportError, OSError) as error:
        raise DatasetError(f"cannot get {source}: {error}") from error
    return files, str(place)


def _is_local(files: Any) -> bool:
    return "file" in ([files.protocol] if isinstance(files.protocol, str) else files.protocol)


@contextmanager
def _named(source: str) -> Iterator[None]:
    """A file that is missing is told as such; other errors of the network may pass, and are tried again."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise DatasetError(f"cannot read {source}: {error}") from error


def contents(sources: Sequence[str], before: Mapping[str, Known]) -> dict[str, Known]:
    """What each of them holds."""
    return {source: look(source, before.get(source)) for source in sources}
