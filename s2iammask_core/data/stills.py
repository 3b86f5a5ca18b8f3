"""Pictures with object masks, as videos of one frame."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import Annotation, Video, VideoSet
from s2iammask_core.data.mask_sources import LabelMask
from s2iammask_core.data.readers.labels import LabelReader
from s2iammask_core.data.readers.scan import scan
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.stills import Still, listed_stills

SMALLEST_AREA = 400  # square pixels; what is smaller shows too little to learn from


def read_stills(root: Path | str, *, num_use: int | None = None) -> VideoSet:
    """Each picture as a video of one frame, with all its objects of at least 400 square pixels as tracks."""
    stills = listed_stills(Path(root))
    videos = []
    for still, boxes in zip(stills, _boxes(stills), strict=True):
        if tracks := _tracks(still, boxes):
            kinds = {value: still.objects[value].category for value in tracks}
            videos.append(Video(still.name, (still.picture,), tracks, kinds=kinds, complete=still.complete))
    if not videos:
        raise DatasetError(
            f"{Path(root) / 'index.json'} names no object of {SMALLEST_AREA} square pixels or more"
        )
    return VideoSet("stills", videos, 1, num_use, has_masks=True, has_kinds=True)


def _boxes(stills: Sequence[Still]) -> Iterator[dict[int, Box]]:
    """For each picture the boxes of the objects in its mask, by their values there."""
    found = scan([str(still.mask) for still in stills], LabelReader(single=False, min_area=0))
    ends = found.counts.cumsum().tolist()
    for count, end in zip(found.counts.tolist(), ends, strict=True):
        rows = found.rows[end - count : end].tolist()
        yield {value: Box(*map(float, corners)) for value, *corners in rows}


def _tracks(still: Still, boxes: Mapping[int, Box]) -> dict[int, dict[int, Annotation]]:
    """The objects that are large enough, by their value in the mask."""
    large = [value for value, each in still.objects.items() if each.area >= SMALLEST_AREA]
    for value in large:
        if value not in boxes:
            raise DatasetError(f"{still.mask} has no pixel of object {value}, which the index names")
    return {value: {0: Annotation(boxes[value], LabelMask(still.mask, value))} for value in large}
