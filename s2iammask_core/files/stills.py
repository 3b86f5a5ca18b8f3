"""The index of pictures with object masks: a folder with index.json, images/NAME.* and masks/NAME.png."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2iammask_core.boxes import Box
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.names import picture_files


@dataclass(frozen=True, slots=True)
class StillObject:
    """What the index says of an object."""

    area: float  # square pixels
    box: Box
    category: str


@dataclass(frozen=True, slots=True)
class Still:
    """A picture and the objects in it, by their values in the mask."""

    name: str
    picture: Path
    mask: Path
    objects: Mapping[int, StillObject]
    complete: bool  # whether all objects are labelled


def listed_stills(root: Path) -> tuple[Still, ...]:
    """The pictures of an index; DatasetError if one is not there, or not as it should be.

    index.json: {name: {"objects": {value in the mask: {"area": pixels, "box": [x1, y1, x2, y2]}}}}, where an
    object may have a "category", and a picture may say that not "all_objects_labelled" are.
    """
    listing = root / "index.json"
    entries = read_object(listing)
    files = {path.stem: path for path in picture_files(root / "images")}
    stills = []
    for name, entry in entries.items():
        if name not in files:
            raise DatasetError(f"{root / 'images'} has no picture {name}, which index.json names")
        try:
            objects = {int(value): _object(each) for value, each in entry["objects"].items()}
            complete = bool(entry.get("all_objects_labelled", True))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DatasetError(f"{listing}, picture {name}: not as it should be: {error!r}") from error
        stills.append(Still(name, files[name], root / "masks" / f"{name}.png", objects, complete))
    return tuple(stills)


def _object(record: Mapping[str, Any]) -> StillObject:
    box = Box(*map(float, record["box"]))
    return StillObject(float(record["area"]), box, str(record.get("category", "")))
