"""COCO: pictures with boxes and masks of objects."""

import math
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import VideoSet
from s2iammask_core.data.readers.segmentations import Segments, SegmentsBuilder
from s2iammask_core.data.readers.table import BoxTable, FrameTable, VideoTable
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.names import existing_folder

FRAME_RANGE = 1
WRONG = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)  # of a broken annotation


def read_coco(root: Path, split: str = "train2017", crowds: bool = False) -> VideoSet:
    """From a root with annotations/instances_SPLIT.json and SPLIT/*.jpg; a picture is a video of one frame.

    An object's id is its place among the picture's annotations. Crowds (iscrowd) are left out by default.
    DatasetError names the picture and the annotation that cannot be right.
    """
    pictures = existing_folder(existing_folder(root) / split)
    path = root / "annotations" / f"instances_{split}.json"
    content = read_object(path)
    try:
        images, annotations = _listed(content["images"]), _listed(content["annotations"])
        frames = _frames(pictures, split, images)
        boxes, segments = _objects(images, annotations, crowds)
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
    except WRONG as error:
        raise DatasetError(f"{path} is not a COCO instances file: {error!r}") from error
    return VideoSet(f"coco-{split}", VideoTable(frames, boxes, segments), FRAME_RANGE, None, has_masks=True)


def _listed(values: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(values, list):
        raise TypeError(f"expected a list, got {type(values).__name__}")
    return values


def _frames(pictures: Path, split: str, images: Sequence[Mapping[str, Any]]) -> FrameTable:
    files = [str(image["file_name"]) for image in images]
    names = [(f"{split}/{Path(file).with_suffix('').as_posix()}", "") for file in files]
    return FrameTable.of(pictures, names, [[file] for file in files], "")


def _objects(
    images: Sequence[Mapping[str, Any]], annotations: Sequence[Mapping[str, Any]], crowds: bool
) -> tuple[BoxTable, Segments]:
    place = {image["id"]: number for number, image in enumerate(images)}
    if len(place) != len(images):
        raise DatasetError("two of its images have the same id")
    seen = np.zeros(len(images), np.int32)  # annotations of each picture up to here, crowds included
    picture, track, corners, segments = array("i"), array("i"), array("f"), SegmentsBuilder()
    for each in annotations:
        number = _picture_of(each, place)
        seen[number] += 1
        if each.get("iscrowd", 0) and not crowds:
            continue
        try:
            box = _box(each["bbox"])
            segments.add(each.get("segmentation"), box, _size(images[number]))
        except WRONG as error:
            name, id_ = images[number]["file_name"], each.get("id")
            raise DatasetError(f"picture {name}, annotation {id_}: {_reason(error)}") from error
        picture.append(number)
        track.append(int(seen[number]) - 1)
        corners.extend((box.x1, box.y1, box.x2, box.y2))
    boxes = np.array(corners, np.float32).reshape(-1, 4)
    ids = np.array(track, np.int32)
    return BoxTable(np.array(picture, np.int32), ids, np.zeros_like(ids), boxes), segments.build()


def _picture_of(annotation: Mapping[str, Any], place: Mapping[Any, int]) -> int:
    if annotation["image_id"] not in place:
        unknown, id_ = annotation["image_id"], annotation.get("id")
        raise DatasetError(f"annotation {id_} is of the image {unknown}, which is not listed")
    return place[annotation["image_id"]]


def _box(values: Sequence[float]) -> Box:
    x, y, width, height = map(float, values)
    if not all(map(math.isfinite, (x, y, width, height))):
        raise ValueError(f"its bbox {list(values)} is not finite")
    return Box.from_xywh(x, y, width, height)


def _size(image: Mapping[str, Any]) -> tuple[int, int]:
    height, width = int(image["height"]), int(image["width"])
    if height < 1 or width < 1:
        raise ValueError(f"its picture is said to be {width}x{height}")
    return height, width


def _reason(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)
