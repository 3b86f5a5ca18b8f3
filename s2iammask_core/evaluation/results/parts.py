"""Files and folders that appear under their name only when they are complete."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def growing_file(path: Path) -> Iterator[TextIO]:
    """A text file to write line by line; it takes its name at the end, unless an error ends the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("w", buffering=1) as file:  # a line reaches the disk when it ends
        yield file
    part.replace(path)


@contextmanager
def growing_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill; it takes its name at the end, unless an error ends the block."""
    part = path.with_name(f"{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    yield part
    shutil.rmtree(path, ignore_errors=True)
    part.replace(path)
