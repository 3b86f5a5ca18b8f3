"""VOT sequences: a folder each with frames, groundtruth.txt and tags, or one json file for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.overlap import Regions
from s2iammask_core.evaluation.sequences.frames import Frames, ImageFiles, every_nth, images_in
from s2iammask_core.evaluation.sequences.lists import listed_names
from s2iammask_core.evaluation.sequences.regions import Rectangles, read_polygons, to_regions
from s2iammask_core.evaluation.vot import VotTruth
from s2iammask_core.files.digests import Digest
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

    @property
    def digest(self) -> str:
        """Changes with the frames and the truth."""
        digest = Digest()
        self.frames.trace(digest)
        digest.add(self.truth.size, self.truth.regions.tobytes())
        return digest.text

    def thinned(self, step: int) -> "VotSequence":
        """Every step-th frame."""
        tags = {name: values[::step] for name, values in self.truth.tags.items()}
        truth = replace(self.truth, regions=self.truth.regions[::step], tags=tags)
        return replace(self, frames=every_nth(self.frames, step), truth=truth)


def read_vot(
    path: Path, frames: Path | None = None, rectangles: Rectangles = Rectangles.TOOLKIT
) -> tuple[VotSequence, ...]:
    """All sequences of a data set.

    Args:
        path: the folder of the sequences, which list.txt names if it is there, or a challenge's json file.
        frames: for a json file, the folder that its image names are relative to, if it is not the file's own.
        rectangles: how truth of 4 numbers is taken.
    """
    if path.is_file():
        sequences = _read_json(path).items()
        return tuple(_from_json(name, each, frames or path.parent, rectangles) for name, each in sequences)
    names = listed_names(path, "list.txt", marker="groundtruth.txt")
    return tuple(vot_folder(path / name, rectangles) for name in names)


def vot_folder(folder: Path, rectangles: Rectangles = Rectangles.TOOLKIT) -> VotSequence:
    """The sequence of one folder."""
    frames = ImageFiles(picture_files(folder))
    if not len(frames):
        frames = images_in(folder / "color")
    regions = read_polygons(folder / "groundtruth.txt", rectangles)
    if len(regions) != len(frames):
        raise DatasetError(f"{folder}: {len(frames)} frames, but {len(regions)} rows in groundtruth.txt")
    _check_seen(regions, str(folder / "groundtruth.txt"))
    tags = {name: _read_tag(folder, name) for name in ATTRIBUTES}
    return VotSequence(folder.name, frames, VotTruth(regions, frames.size(0), _padded(tags, len(regions))))


def _read_tag(folder: Path, name: str) -> list[float]:
    """The 0 or 1 of each frame from NAME.tag, or NAME.label as in VOT2016; nothing if there is neither.

    They are one in each line, where a blank one says 0, or all in the first.
    """
    for path in (folder / f"{name}.tag", folder / f"{name}.label"):
        if path.is_file():
            rows = read_number_rows(path)
            return rows[0] if len(rows) == 1 else [_tagged(row, path, n) for n, row in enumerate(rows, 1)]
    return []


def _tagged(row: Sequence[float], path: Path, number: int) -> float:
    if len(row) > 1:
        raise DatasetError(f"{path}, line {number}: a frame has one number, not {len(row)}")
    return row[0] if row else 0.0


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


def _from_json(name: str, record: Any, root: Path, rectangles: Rectangles) -> VotSequence:
    try:
        rows = [list(map(float, row)) for row in record["gt_rect"]]
        size = _size(record)
        frames = _named(name, record.get("img_names"), root, len(rows))
        tags = {tag: list(map(float, record.get(tag) or [])) for tag in ATTRIBUTES}
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise DatasetError(f"sequence {name} of the json file: missing or broken {error}") from error
    regions = to_regions(rows, f"gt_rect of sequence {name}", rectangles)
    if len(regions) != len(frames):
        raise DatasetError(
            f"sequence {name}: {len(frames)} image names, but {len(regions)} ground truth regions"
        )
    _check_seen(regions, f"gt_rect of sequence {name}")
    return VotSequence(name, frames, VotTruth(regions, size, _padded(tags, len(regions))))


def _size(record: Mapping[str, Any]) -> tuple[int, int]:
    width, height = int(record["width"]), int(record["height"])
    if min(width, height) < 1:
        raise ValueError(f"width and height: {width}x{height}")
    return width, height


def _named(name: str, images: Sequence[str] | None, root: Path, count: int) -> ImageFiles:
    """The pictures that a json file names; where a tool has left the names out, they are VOT's own."""
    usual = [f"{name}/color/{number:08d}.jpg" for number in range(1, count + 1)]
    return ImageFiles(tuple(root / str(each) for each in images or usual))


def _check_seen(regions: Regions, source: str) -> None:
    if not np.isfinite(regions).all(axis=(1, 2)).any():
        raise DatasetError(f"{source} shows the object in no frame")
