"""COCO: pictures with boxes and masks of objects."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.data.annotations import MaskSource, VideoSet
from s2iammask_core.data.mask_sources import PolygonMask, RleMask, decode_counts
from s2iammask_core.data.readers.files import existing_folder, read_object
from s2iammask_core.data.readers.table import BoxTable, FrameTable, VideoTable
from s2iammask_core.errors import DatasetError

FRAME_RANGE = 1


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Masks of N annotations as flat arrays: polygons, run lengths or nothing."""

    points: NDArray[np.float32]  # (2P,) x y x y ... of all outlines
    ring_ends: NDArray[np.int64]  # (R,) where each outline ends in points
    rings: NDArray[np.int64]  # (N + 1,) first outline of each annotation
    runs: NDArray[np.uint32]  # (C,) run lengths of all annotations that have them
    run_starts: NDArray[np.int64]  # (N + 1,)
    sizes: NDArray[np.int32]  # (N, 2) height, width of the picture

    def at(self, row: int, _frame: Path, _track: int) -> MaskSource | None:
        height, width = self.sizes[row].tolist()
        runs = self.runs[self.run_starts[row] : self.run_starts[row + 1]]
        if len(runs):
            return RleMask(runs, height, width)
        first, last = self.rings[row : row + 2].tolist()
        if first == last:
            return None
        bounds = [int(self.ring_ends[first - 1]) if first else 0, *self.ring_ends[first:last].tolist()]
        rings = tuple(self.points[start:end].reshape(-1, 2) for start, end in pairwise(bounds))
        return PolygonMask(rings, height, width)


class SegmentsBuilder:
    """Collects the segmentations in the order of the annotations."""

    def __init__(self) -> None:
        self._points, self._runs = array("f"), array("I")
        self._ring_ends, self._rings, self._run_starts = array("q"), array("q", [0]), array("q", [0])
        self._sizes = array("i")

    def add(self, segmentation: Any, height: int, width: int) -> None:
        """A list of flat outlines, or an object with run lengths as a list or as a compressed string."""
        if isinstance(segmentation, dict):
            counts = segmentation["counts"]
            self._runs.extend(decode_counts(counts) if isinstance(counts, str) else counts)
        else:
            for outline in segmentation or ():
                self._points.extend(outline[: len(outline) // 2 * 2])
                self._ring_ends.append(len(self._points))
        self._rings.append(len(self._ring_ends))
        self._run_starts.append(len(self._runs))
        self._sizes.extend((height, width))

    def build(self) -> Segments:
        return Segments(
            np.array(self._points, np.float32),
            np.array(self._ring_ends, np.int64),
            np.array(self._rings, np.int64),
            np.array(self._runs, np.uint32),
            np.array(self._run_starts, np.int64),
            np.array(self._sizes, np.int32).reshape(-1, 2),
        )


def read_coco(root: Path, split: str = "train2017", crowds: bool = False) -> VideoSet:
    """From a root with annotations/instances_SPLIT.json and SPLIT/*.jpg; a picture is a video of one frame.

    An object's id is its place among the picture's annotations. Crowds (iscrowd) are left out by default.
    """
    pictures = existing_folder(existing_folder(root) / split)
    path = root / "annotations" / f"instances_{split}.json"
    content = read_object(path)
    try:
        images, annotations = content["images"], content["annotations"]
        frames = _frames(pictures, split, images)
        boxes, segments = _objects(images, annotations, crowds)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f"{path} is not a COCO instances file: {error!r}") from error
    return VideoSet(f"coco-{split}", VideoTable(frames, boxes, segments), FRAME_RANGE, None, has_masks=True)


def _frames(pictures: Path, split: str, images: Sequence[Mapping[str, Any]]) -> FrameTable:
    files = [str(image["file_name"]) for image in images]
    names = [(f"{split}/{Path(file).with_suffix('').as_posix()}", "") for file in files]
    return FrameTable.of(pictures, names, [[file] for file in files], "")


def _objects(
    images: Sequence[Mapping[str, Any]], annotations: Sequence[Mapping[str, Any]], crowds: bool
) -> tuple[BoxTable, Segments]:
    place = {image["id"]: number for number, image in enumerate(images)}
    seen = np.zeros(len(images), np.int32)  # annotations of each picture up to here, crowds included
    picture, track, corners, segments = array("i"), array("i"), array("f"), SegmentsBuilder()
    for each in annotations:
        number = place[each["image_id"]]
        seen[number] += 1
        if each.get("iscrowd", 0) and not crowds:
            continue
        x, y, width, height = each["bbox"]
        picture.append(number)
        track.append(int(seen[number]) - 1)
        corners.extend((x, y, x + width, y + height))
        segments.add(each.get("segmentation"), images[number]["height"], images[number]["width"])
    boxes = np.array(corners, np.float32).reshape(-1, 4)
    ids = np.array(track, np.int32)
    return BoxTable(np.array(picture, np.int32), ids, np.zeros_like(ids), boxes), segments.build()
