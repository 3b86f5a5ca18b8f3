"""Outputs appear under their name when they are whole, and never in the place of what is read."""

import errno
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO, BinaryIO, TextIO

from s2iammask_core.errors import OutputError

PART = ".part"  # at the end of the name of what is being written
NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # of files that cannot be asked whether they are on the disk


def keep_apart(outputs: Mapping[str, Path | None], inputs: Iterable[Path]) -> None:
    """OutputError for an output that is an input, by whatever name or link, or holds one, and for one that is
    another output or inside it.

    Args:
        outputs: what is written, by the option that a message is to name; None for what is not wanted.
        inputs: files and folders that are read.
    """
    read = [Path(os.path.realpath(path)) for path in inputs]
    taken: dict[Path, str] = {}
    for name, path in outputs.items():
        if path is None:
            continue
        real = Path(os.path.realpath(path))
        if any(real == each or real in each.parents or _is_same(real, each) for each in read):
            raise OutputError(f"{name} {path} would overwrite what is read; choose another place")
        _check_apart(name, real, taken)
        taken[real] = name


def _check_apart(name: str, path: Path, taken: Mapping[Path, str]) -> None:
    """OutputError for an output in the place of another, or inside it: a folder is made as a whole."""
    for other, its_name in taken.items():
        if path == other:
            raise OutputError(f"{name} and {its_name} are both {path}; choose different places")
        if other in path.parents or path in other.parents:
            outer, inner = (its_name, name) if other in path.parents else (name, its_name)
            raise OutputError(f"{inner} is inside {outer} {min(path, other)}; choose a place beside it")


def _is_same(one: Path, other: Path) -> bool:
    """Whether two names are of one file."""
    try:
        return one.samefile(other)
    except OSError:
        return False


@contextmanager
def growing_file(path: Path) -> Iterator[TextIO]:
    """A text file to write line by line; it takes its name at the end, unless an error ends the block."""
    with _growing(path) as part, part.open("w", buffering=1, encoding="utf-8", newline="") as file:
        yield file  # a line reaches the disk when it ends
        _settle(file)


@contextmanager
def growing_bytes(path: Path) -> Iterator[BinaryIO]:
    """The same for bytes."""
    with _growing(path) as part, part.open("wb") as file:
        yield file
        _settle(file)


@contextmanager
def growing_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill. At the end it is the folder of that name, in the place of all that was there,
    unless an error ends the block.
    """
    if not path.is_dir():
        with _growing(path) as part:
            part.mkdir()
            yield part
        return
    inside = path / PART  # the folder itself may be a mount, which cannot be renamed
    with _growing(path, inside):
        inside.mkdir()
        yield inside
        for old in path.iterdir():
            if old != inside:
                _remove(old)
        for new in inside.iterdir():
            new.replace(path / new.name)
        inside.rmdir()


def foreign_file(folder: Path, own: Collection[str] = ()) -> Path | None:
    """A file in a folder or below it that is neither hidden nor of one's own names: somebody else's."""
    found = (path for path in folder.rglob("*") if path.name not in own and not path.name.startswith("."))
    return next((path for path in found if path.is_file()), None)


def set_aside(folder: Path) -> Path | None:
    """Moves a folder with anything in it out of the way, to a name with a number, which is the answer."""
    folder = folder.resolve()
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    free = (folder.with_name(f"{folder.name}.{number}") for number in count(1))
    other = next(path for path in free if not path.exists())
    folder.rename(other)
    return other


def write_bytes(path: Path, content: bytes) -> None:
    """The file is never there in part; OutputError if it cannot be written."""
    with _growing(path) as part:
        part.write_bytes(content)
        if part.is_file() and part.stat().st_size != len(content):
            raise OutputError(f"cannot write {path}: {part.stat().st_size} of {len(content)} bytes arrived")


def write_text(path: Path, text: str) -> None:
    """The same for text."""
    write_bytes(path, text.encode())


@contextmanager
def _growing(path: Path, part: Path | None = None) -> Iterator[Path]:
    """Where to make what is to take the name; what an error leaves there is taken away."""
    final = Path(os.path.realpath(path))  # a link stays one
    special = final.exists() and not final.is_file() and not final.is_dir()  # /dev/stdout, a pipe
    where = final if special else part or final.with_name(f"{final.name or 'root'}{PART}")
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        if special:
            yield final
            return
        _remove(where)
        yield where
        if part is None:
            where.replace(final)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if not special:
            _remove(where)


def _settle(file: IO[str] | IO[bytes]) -> None:
    """A full disk or a lost share may be noticed no earlier than here."""
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)
