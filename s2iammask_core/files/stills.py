"""The index of pictures with object masks: a folder with index.json, images/NAME.* and masks/NAME.png."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2iammask_core.errors import DatasetError
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.names import picture_files


@dataclass(frozen=True, slots=True)
class StillObject:
    """What the index says of an object."""

    area: float  # square pixels
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

    index.json: {name: {"objects": {value in the mask: {"area": pixels}}}}, where an object may have a
    "category", and a picture may say that not "all_objects_labelled" are. Boxes are those of the masks: what
    an index says of them is not read, since it may be corners, or a corner and sides.
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
    return StillObject(float(record["area"]), str(record.get("category", "")))
