"""VOT sequences: a folder each with frames, groundtruth.txt and tags, or one json file for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.sequences.lists import listed_names
from s2iammask_core.evaluation.sequences.regions import read_polygons, to_regions
from s2iammask_core.evaluation.vot import VotTruth
from s2iammask_core.files.frames import Frames, ImageFiles, every_nth, images_in
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.names import picture_files
from s2iammask_core.files.texts import read_number_rows

ATTRIBUTES = ("camera_motion", "illum_change", "motion_change", "size_change", "occlusion")
NO_ATTRIBUTE = "none"  # the frames that have none of the attributes


@dataclass(frozen=True, slots=True, eq=False)
class VotSequence:
    """One sequence; the truth's regions count pixels by their centres."""

    name: str
    frames: Frames
    truth: VotTruth

    def thinned(self, step: int) -> "VotSequence":
        """Every step-th frame."""
        tags = {name: values[::step] for name, values in self.truth.tags.items()}
        truth = replace(self.truth, regions=self.truth.regions[::step], tags=tags)
        return replace(self, frames=every_nth(self.frames, step), truth=truth)


def read_vot(path: Path, frames: Path | None = None) -> tuple[VotSequence, ...]:
    """All sequences of a data set.

    Args:
        path: the folder of the sequences, which list.txt names if it is there, or a challenge's json file.
        frames: for a json file, the folder that its image names are relative to, if it is not the file's own.
    """
    if path.is_file():
        return tuple(_from_json(name, each, frames or path.parent) for name, each in _read_json(path).items())
    names = listed_names(path, "list.txt", marker="groundtruth.txt")
    return tuple(vot_folder(path / name) for name in names)


def vot_folder(folder: Path) -> VotSequence:
    """The sequence of one folder."""
    frames = ImageFiles(picture_files(folder))
    if not len(frames):
        frames = images_in(folder / "color")
    regions = read_polygons(folder / "groundtruth.txt")
    if len(regions) != len(frames):
        raise DatasetError(f"{folder}: {len(frames)} frames, but {len(regions)} rows in groundtruth.txt")
    tags = {name: _read_tag(folder, name) for name in ATTRIBUTES}
    return VotSequence(folder.name, frames, VotTruth(regions, frames.size(0), _padded(tags, len(regions))))


def _read_tag(folder: Path, name: str) -> list[float]:
    """The 0 or 1 of each frame from NAME.tag, or NAME.label as in VOT2016; nothing if there is neither."""
    for path in (folder / f"{name}.tag", folder / f"{name}.label"):
        if path.is_file():
            return [value for row in read_number_rows(path) for value in row]
    return []


def _padded(tags: Mapping[str, Sequence[float]], length: int) -> dict[str, NDArray[np.bool_]]:
    """Tags (length,); frames beyond a tag's end do not have it. Empty if no tag is known."""
    if not any(len(values) for values in tags.values()):
        return {}
    padded = {name: np.zeros(length, np.bool_) for name in tags}
    for name, values in tags.items():
        padded[name][: len(values)] = np.array(values[:length], np.bool_)
    padded[NO_ATTRIBUTE] = ~np.any(list(padded.values()), axis=0)
    return padded


def _read_json(path: Path) -> dict[str, Any]:
    sequences = read_object(path)
    if not sequences:
        raise DatasetError(f"{path} must hold one object for each sequence, by its name")
    return sequences


def _from_json(name: str, record: Any, root: Path) -> VotSequence:
    try:
        rows, size = record["gt_rect"], (int(record["width"]), int(record["height"]))
        frames = ImageFiles(tuple(root / each for each in record["img_names"]))
        tags = {tag: record.get(tag) or [] for tag in ATTRIBUTES}
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"sequence {name} of the json file: missing or broken {error}") from error
    regions = to_regions(rows, f"gt_rect of sequence {name}")
    if len(regions) != len(frames):
        raise DatasetError(
            f"sequence {name}: {len(frames)} image names, but {len(regions)} ground truth regions"
        )
    return VotSequence(name, frames, VotTruth(regions, size, _padded(tags, len(regions))))
