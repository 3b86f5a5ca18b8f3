"""Outputs of single recordings; each appears whole or not at all."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from s2iammask_core.batch.formats.places import Places
from s2iammask_core.batch.moments import Source
from s2iammask_core.batch.rows import packed
from s2iammask_core.batch.sources import bags, is_bag
from s2iammask_core.batch.view import View, apart
from s2iammask_core.config import TrackerConfig
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.labels import write_palette_labels
from s2iammask_core.files.outputs import PART, growing_file, growing_folder
from s2iammask_core.files.pictures import write_picture

MOST_IDS = 254  # of a palette picture: 255 marks void
IDS_OF_A_CLASS = 1000  # MOTS: an id is its class times this, plus the object's


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that lies here, and what was tracked in it."""

    view: View
    path: Path
    source: Source
    categories: Mapping[str, int]  # number of each label, from 1
    config: TrackerConfig  # that it was tracked with

    @property
    def name(self) -> str:
        return self.view.job.name


def write_davis(recording: Recording, places: Places) -> None:
    """Palette pictures, in which a pixel's value is the object's id."""
    with growing_folder(places.masks(recording.name)) as folder:
        for frame in recording.view.frames():
            labels = np.zeros(frame[0].row.size, np.uint8)
            for seen, mask in apart(frame):
                if seen.id > MOST_IDS:
                    raise DatasetError(f"object {seen.id}: palette pictures hold ids up to {MOST_IDS}")
                labels[mask] = seen.id
            write_palette_labels(folder / f"{frame[0].row.name}.png", labels)


def write_mots(recording: Recording, places: Places) -> None:
    """A line for each object and frame: frame, id, class, height, width, run lengths."""
    with growing_file(places.mots(recording.name)) as file:
        for frame in recording.view.frames():
            for seen, mask in apart(frame):
                if seen.id >= IDS_OF_A_CLASS:
                    raise DatasetError(f"object {seen.id}: MOTS holds ids up to {IDS_OF_A_CLASS - 1}")
                if mask.any():
                    kind = recording.categories[seen.label]
                    values = (
                        seen.row.frame,
                        IDS_OF_A_CLASS * kind + seen.id,
                        kind,
                        *seen.row.size,
                        packed(mask),
                    )
                    file.write(" ".join(map(str, values)) + "\n")


def write_images(recording: Recording, places: Places) -> None:
    """The labelled frames of a video or bag as JPEG; a folder of pictures has them already."""
    names = {frame[0].row.frame: frame[0].row for frame in recording.view.frames()}
    if not names or any(row.file for row in names.values()):
        return
    with growing_folder(places.images(recording.name)) as folder:
        for moment in recording.source.moments(min(names)):
            if moment.number in names:
                write_picture(folder / f"{names[moment.number].name}.jpg", moment.frame)


def write_bag(recording: Recording, places: Places) -> None:
    """Of a bag, another bag with the messages that the node would have published."""
    if not is_bag(recording.path):
        return
    place = places.bag(recording.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=PART, dir=place.parent) as folder:  # files in it have the bag's name
        made = Path(folder) / recording.name
        bags().write_bag(recording.source, recording.view, recording.config, made)
        shutil.rmtree(place, ignore_errors=True)
        made.replace(place)


EACH: dict[str, Callable[[Recording, Places], None]] = {
    "davis": write_davis,
    "mots": write_mots,
    "images": write_images,
    "bag": write_bag,
}
