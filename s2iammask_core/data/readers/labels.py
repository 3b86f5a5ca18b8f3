"""Videos whose masks are label pictures: a folder of frames and one of labels for each video."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2iammask_core.data.annotations import MaskSource
from s2iammask_core.data.mask_sources import LabelMask, Mask, foreground, outline_box, read_labels
from s2iammask_core.data.readers.files import all_exist, existing_folder, stems
from s2iammask_core.data.readers.scan import Rows, boxes_in
from s2iammask_core.data.readers.table import FrameTable, VideoTable

VOID = 255  # not labelled, where pictures hold several objects


@dataclass(frozen=True, slots=True)
class LabelFolders:
    """frames/VIDEO/NNNNN.jpg and labels/VIDEO/NNNNN.png."""

    frames: Path
    labels: Path

    def labelled_frames(self, video: str) -> list[str]:
        """Stems of the frames that have a label picture; each must have its frame."""
        found = stems(self.labels / video, ".png")
        all_exist(self.frames / video, found, ".jpg")
        return found


@dataclass(frozen=True, slots=True)
class LabelReader:
    """Finds the objects in a label picture."""

    single: bool  # one object, with id 1: whatever is not 0. Otherwise the values are ids
    min_area: int  # pixels; only larger objects are kept

    @property
    def kind(self) -> str:
        return f"label pictures, {'one object' if self.single else 'ids'} above {self.min_area} pixels"

    def __call__(self, file: str) -> Rows:
        large = [(id_, mask) for id_, mask in self._masks(Path(file)) if mask.sum() > self.min_area]
        boxes = [(id_, outline_box(mask)) for id_, mask in large]
        return np.array([(id_, *box) for id_, box in boxes if box], np.int32).reshape(-1, 5)

    def _masks(self, path: Path) -> list[tuple[int, Mask]]:
        if self.single:
            return [(1, foreground(path))]
        labels = read_labels(path)
        return [(id_, labels == id_) for id_ in np.unique(labels).tolist() if id_ not in (0, VOID)]


@dataclass(frozen=True, slots=True)
class LabelFiles:
    """The masks lie in pictures named like the frames."""

    folders: LabelFolders
    single: bool

    def at(self, _row: int, frame: Path, track: int) -> MaskSource:
        path = self.folders.labels / frame.relative_to(self.folders.frames).with_suffix(".png")
        return LabelMask(path, None if self.single else track)


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
    return VideoTable(frames, boxes_in(files, frames.offsets, reader), LabelFiles(folders, reader.single))
