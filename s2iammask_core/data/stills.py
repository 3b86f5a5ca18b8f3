"""Pictures with object masks, as videos of one frame."""

from pathlib import Path

from s2iammask_core.data.annotations import Annotation, Video, VideoSet
from s2iammask_core.data.mask_sources import LabelMask
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.stills import Still, listed_stills

SMALLEST_AREA = 400  # square pixels; what is smaller shows too little to learn from


def read_stills(root: Path | str, *, num_use: int | None = None) -> VideoSet:
    """Each picture as a video of one frame, with all its objects of at least 400 square pixels as tracks."""
    videos = []
    for still in listed_stills(Path(root)):
        if tracks := _tracks(still):
            kinds = {value: still.objects[value].category for value in tracks}
            videos.append(Video(still.name, (still.picture,), tracks, kinds=kinds, complete=still.complete))
    if not videos:
        raise DatasetError(
            f"{Path(root) / 'index.json'} names no object of {SMALLEST_AREA} square pixels or more"
        )
    return VideoSet("stills", videos, 1, num_use, has_masks=True, has_kinds=True)


def _tracks(still: Still) -> dict[int, dict[int, Annotation]]:
    """The objects that are large enough, by their value in the mask."""
    return {
        value: {0: Annotation(each.box, LabelMask(still.mask, value))}
        for value, each in still.objects.items()
        if each.area >= SMALLEST_AREA and each.box.width > 0 and each.box.height > 0
    }
