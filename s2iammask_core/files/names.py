"""Which files of a folder belong to a sequence, and in which order."""

import re
from collections.abc import Iterable
from pathlib import Path

from s2iammask_core.errors import DatasetError

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
_NUMBER = re.compile(r"(\d+)")


def natural_order(name: str) -> tuple[tuple[str, int], ...]:
    """What to sort names by, so that 2 comes before 10; names that differ in zeros alone stay apart."""
    parts = _NUMBER.split(name)
    texts, numbers = parts[::2], [int(part) for part in parts[1::2]]
    return (*zip(texts, [*numbers, -1], strict=True), (name, -1))


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Paths by the natural order of their names."""
    return sorted(paths, key=lambda path: natural_order(path.name))


def existing_folder(path: Path) -> Path:
    if not path.is_dir():
        raise DatasetError(f"there is no folder {path}")
    return path


def folder_names(path: Path) -> list[str]:
    """The names of the folders in a folder, in natural order."""
    found = (entry.name for entry in existing_folder(path).iterdir() if entry.is_dir())
    return sorted(found, key=natural_order)


def picture_files(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder in natural order, none if there are none; hidden files are no pictures.

    DatasetError for two that differ in nothing but the suffix: which of them is the frame?
    """
    try:
        found = [path for path in existing_folder(folder).iterdir() if _is_picture(path)]
    except OSError as error:
        raise DatasetError(f"cannot read the folder {folder}: {error}") from error
    files = in_order(found)
    by_stem: dict[str, Path] = {}
    for path in files:
        if path.stem in by_stem:
            raise DatasetError(f"{folder} holds both {by_stem[path.stem].name} and {path.name}; keep one")
        by_stem[path.stem] = path
    return tuple(files)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and not path.name.startswith(".")
