"""Folders and files of data sets; what is missing or broken is named."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s2iammask_core.errors import DatasetError


def existing_folder(path: Path) -> Path:
    if not path.is_dir():
        raise DatasetError(f"folder {path} is missing; is it the root of the data set that was given?")
    return path


def read_lines(path: Path) -> list[str]:
    """The lines of a text file that are not blank, stripped."""
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error


def read_object(path: Path) -> dict[str, Any]:
    """The object in a json file."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read as json: {error}") from error
    if not isinstance(values, dict):
        raise DatasetError(f"{path} must hold a json object, not {type(values).__name__}")
    return values


def stems(folder: Path, suffix: str) -> list[str]:
    """The sorted names in a folder that end in the suffix, without it."""
    names = (entry.name for entry in os.scandir(existing_folder(folder)))
    return sorted(name[: -len(suffix)] for name in names if name.endswith(suffix))


def all_exist(folder: Path, names: Sequence[str], suffix: str) -> None:
    """DatasetError for the first of the names that has no file in the folder."""
    missing = sorted(set(names) - set(stems(folder, suffix)))
    if missing:
        raise DatasetError(f"{folder / (missing[0] + suffix)} is missing ({len(missing)} such files)")


def folder_names(path: Path) -> list[str]:
    """The sorted names of the folders in a folder."""
    return sorted(entry.name for entry in os.scandir(existing_folder(path)) if entry.is_dir())
