"""Json files."""

import json
from pathlib import Path
from typing import Any

from s2iammask_core.errors import DatasetError
from s2iammask_core.files.texts import read_text


def read_json(path: Path) -> Any:
    """What a json file holds; DatasetError if it cannot be read."""
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} cannot be read as json: {error}") from error


def read_object(path: Path) -> dict[str, Any]:
    """The object in a json file; DatasetError if it cannot be read or holds something else."""
    values = read_json(path)
    if not isinstance(values, dict):
        raise DatasetError(f"{path} must hold a json object, not {type(values).__name__}")
    return values
