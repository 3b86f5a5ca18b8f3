"""Videos whose masks are label pictures: a folder of frames and one of labels for each video."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2iammask_core.data.annotations import MaskSource
from s2iammask_core.data.mask_sources import LabelMask, outline_box
from s2iammask_core.data.readers.scan import Rows, boxes_in
from s2iammask_core.data.readers.table import BoxTable, FrameTable, VideoTable
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.labels import VOID, Mask, Scheme, read_labels
from s2iammask_core.files.names import existing_folder, natural_order

WHITE = VOID  # the id of an object where 255 is the only label of a video: it is not void then


@dataclass(frozen=True, slots=True)
class LabelFolders:
    """frames/VIDEO/NNNNN.jpg and labels/VIDEO/NNNNN.png."""

    frames: Path
    labels: Path

    def labelled_frames(self, video: str) -> list[str]:
        """Stems of the frames that have a label picture; each must have its frame."""
        found = _stems(self.labels / video, ".png")
        missing = sorted(set(found) - set(_stems(self.frames / video, ".jpg")), key=natural_order)
        if missing:
            first = self.frames / video / f"{missing[0]}.jpg"
            raise DatasetError(f"{first} is missing, and {len(missing) - 1} other frames that have labels")
        return found


def _stems(folder: Path, suffix: str) -> list[str]:
    """The names in a folder that end in the suffix, without it, in natural order."""
    names = (entry.name for entry in os.scandir(existing_folder(folder)))
    found = (name[: -len(suffix)] for name in names if name.endswith(suffix) and not name.startswith("."))
    return sorted(found, key=natural_order)


@dataclass(frozen=True, slots=True)
class LabelReader:
    """Finds the objects in a label picture."""

    single: bool  # one object, with id 1: whatever is not 0. Otherwise the values are ids
    min_area: int  # pixels; only larger objects are kept

    @property
    def kind(self) -> str:
        return f"label pictures, {'one object' if self.single else 'ids or 255'} above {self.min_area} pixels"

    def __call__(self, file: str) -> Rows:
        large = [(id_, mask) for id_, mask in self._masks(Path(file)) if mask.sum() > self.min_area]
        boxes = [(id_, outline_box(mask)) for id_, mask in large]
        return np.array([(id_, *box) for id_, box in boxes if box], np.int32).reshape(-1, 5)

    def _masks(self, path: Path) -> list[tuple[int, Mask]]:
        labels = read_labels(path, Scheme.ONE if self.single else Scheme.IDS)
        objects = [(id_, np.asarray(labels.ids == id_)) for id_ in labels.objects]
        return objects or [(WHITE, labels.void)]


@dataclass(frozen=True, slots=True)
class LabelFiles:
    """The masks lie in pictures named like the frames."""

    folders: LabelFolders
    single: bool

    def at(self, _row: int, frame: Path, track: int) -> MaskSource:
        path = self.folders.labels / frame.relative_to(self.folders.frames).with_suffix(".png")
        return LabelMask(path, None if self.single or track == WHITE else track)


def labelled_videos(
    folders: LabelFolders, videos: Sequence[tuple[str, str]], reader: LabelReader
) -> VideoTable:
    """The videos, each a name and a folder, with the boxes of their label pictures."""
    existing_folder(folders.frames)
    existing_folder(folders.labels)
    found = [folders.labelled_frames(folder) for _, folder in videos]
    frames = FrameTable.of(folders.frames, videos, found, ".jpg")
    files = [
        str(folders.labels / folder / f"{stem}.png")
        for (_, folder), video_stems in zip(videos, found, strict=True)
        for stem in video_stems
    ]
    boxes = without_void(boxes_in(files, frames.offsets, reader))
    return VideoTable(frames, boxes, LabelFiles(folders, reader.single))


def without_void(boxes: BoxTable) -> BoxTable:
    """Without the boxes around 255 in videos with other labels; where it is the only one, it is an object."""
    white = boxes.track == WHITE
    several = np.isin(boxes.video, boxes.video[~white])
    kept = ~white | ~several
    return BoxTable(boxes.video[kept], boxes.track[kept], boxes.frame[kept], boxes.boxes[kept])
