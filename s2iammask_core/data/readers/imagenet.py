"""The layout of ImageNet's VID and DET: Annotations/KIND/SPLIT/**.xml and Data/KIND/SPLIT/**.JPEG."""

import os
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2iammask_core.data.readers.scan import Rows
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.names import existing_folder

SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, slots=True)
class XmlReader:
    """Finds the objects in a Pascal-style xml; the id is the track's, or without one the place in the file.

    The corners are taken as they stand, as the method's own crops and labels do.
    """

    kind: str = "xml boxes"

    def __call__(self, file: str) -> Rows:
        try:
            objects = ET.parse(file).getroot().findall("object")
            rows = [_row(place, each) for place, each in enumerate(objects)]
            return np.array(rows, np.int32).reshape(-1, 5)
        except (OSError, ET.ParseError, TypeError, ValueError, OverflowError, LookupError) as error:
            raise DatasetError(f"{file} cannot be read as an ImageNet annotation: {error}") from error


def _row(place: int, found: ET.Element) -> tuple[float, ...]:
    id_ = int(found.findtext("trackid", str(place)))
    corners = [found.findtext(f"bndbox/{side}") for side in SIDES]
    if None in corners:
        raise ValueError(f"object {place} has no bndbox with {', '.join(SIDES)}")
    return id_, *(float(corner) for corner in corners if corner is not None)


def xml_files(folder: Path) -> dict[str, list[str]]:
    """The sorted stems of the xml files in each folder that has any, by its path relative to this one."""
    found: dict[str, list[str]] = {}
    for where, _, names in os.walk(existing_folder(folder)):
        stems = sorted(name[:-4] for name in names if name.endswith(".xml"))
        if stems:
            found[Path(where).relative_to(folder).as_posix()] = stems
    return dict(sorted(found.items()))


def name_in_set(relative: str, split: str) -> str:
    """A name of at least subset/name; val, which has no subsets, is its own."""
    return relative if "/" in relative else f"{split}/{relative}"
