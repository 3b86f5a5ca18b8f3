"""Pictures with object masks: a folder with index.json, images/<name>.* and masks/<name>.png."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import Annotation, Video, VideoSet
from s2iammask_core.data.mask_sources import LabelMask
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.names import picture_files

SMALLEST_AREA = 400  # square pixels; what is smaller shows too little to learn from


def read_stills(root: Path | str, *, num_use: int | None = None) -> VideoSet:
    """Each picture as a video of one frame, with all its objects of at least 400 square pixels as tracks.

    index.json: {name: {"objects": {value in the mask: {"area": pixels, "box": [x1, y1, x2, y2]}}}}, where an
    object may have a "category", and a picture may say that not "all_objects_labelled" are.
    """
    root = Path(root)
    listing = root / "index.json"
    entries = read_object(listing)
    files = {path.stem: path for path in picture_files(root / "images")}
    videos = []
    for name, entry in entries.items():
        if name not in files:
            raise DatasetError(f"{root / 'images'} has no picture {name}, which index.json names")
        try:
            objects = entry["objects"]
            tracks = _tracks(objects, root / "masks" / f"{name}.png")
            kinds = {id_: str(objects[str(id_)].get("category", "")) for id_ in tracks}
            complete = bool(entry.get("all_objects_labelled", True))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DatasetError(f"{listing}, picture {name}: not as it should be: {error!r}") from error
        if tracks:
            videos.append(Video(name, (files[name],), tracks, kinds=kinds, complete=complete))
    if not videos:
        raise DatasetError(f"{listing} names no object of {SMALLEST_AREA} square pixels or more")
    return VideoSet("stills", videos, 1, num_use, has_masks=True, has_kinds=True)


def _tracks(objects: Mapping[str, Any], mask: Path) -> dict[int, dict[int, Annotation]]:
    """The objects that are large enough, by their value in the mask."""
    tracks = {}
    for value, each in objects.items():
        box = Box(*map(float, each["box"]))
        if each["area"] >= SMALLEST_AREA and box.width > 0 and box.height > 0:
            tracks[int(value)] = {0: Annotation(box, LabelMask(mask, int(value)))}
    return tracks
