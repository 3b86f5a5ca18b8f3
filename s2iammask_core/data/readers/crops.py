"""The method's prepared crops: 511 pixels wide, the object in the middle, and a json of boxes."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2iammask_core.data.annotations import MaskSource, VideoSet
from s2iammask_core.data.crop511 import box_in_crop
from s2iammask_core.data.mask_sources import LabelMask
from s2iammask_core.data.readers.table import BoxTable, FrameTable, VideoTable
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.names import existing_folder

CROPS = "crop511"  # folder of the crops beside their json
FRAME_RANGE = 20
PICTURE, MASK = ".x.jpg", ".m.png"


def frame_key(number: int) -> str:
    return f"{number:06d}"


def track_key(number: int) -> str:
    return f"{number:02d}"


def crop_stem(frame: str, track: str) -> str:
    return f"{frame}.{track}"


@dataclass(frozen=True, slots=True)
class CropSetting:
    """What the files do not say about a set of crops."""

    name: str
    frame_range: int
    num_use: int | None
    has_masks: bool


class CropMasks:
    """The mask lies beside the crop; whatever is not 0 is the object."""

    def at(self, _row: int, frame: Path, _track: int) -> MaskSource:
        return LabelMask(frame.with_name(frame.name.removesuffix(PICTURE) + MASK), None)


def read_prepared(root: Path, labels: str = "train.json", masks: bool = True) -> VideoSet:
    """What `s2iammask prepare` wrote into a folder: crops in root/crop511, and the json of a split; `masks`
    says whether the data set has any (ImageNet's have none).
    """
    setting = CropSetting(f"crops of {root / labels}", FRAME_RANGE, None, masks)
    return read_crops(existing_folder(root) / CROPS, root / labels, setting)


def read_crops(crops: Path, labels: Path, setting: CropSetting) -> VideoSet:
    """From files crops/VIDEO/FRAME.TRACK.x.jpg (and .m.png), and a json {video: {track: {frame: box}}}.

    A box is [x1, y1, x2, y2] or [width, height] in the frame that the crop was cut from. The frames of a
    video are its crops, track after track. A track may have a list `hard`: which of its frames search patches
    are drawn from, as positions, from 0, among those whose box has an area, in rising order. Other keys that
    are no number are skipped.
    """
    existing_folder(crops)
    content = read_object(labels)
    rows, stems = CropRows(), []
    try:
        for number, tracks in enumerate(content.values()):
            stems.append(rows.add(number, tracks))
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        where = f"{labels}, video {list(content)[len(stems)]}"
        raise DatasetError(f"{where}: not {{track: {{frame: box}}}}: {error}") from error
    try:
        frames = FrameTable.of(crops, [(name, name) for name in content], stems, PICTURE)
    except DatasetError as error:
        raise DatasetError(f"{labels}: {error}") from error
    videos = VideoTable(frames, rows.build(), CropMasks() if setting.has_masks else None, rows.hard)
    return VideoSet(setting.name, videos, setting.frame_range, setting.num_use, setting.has_masks)


class CropRows:
    """Collects the boxes of the crops."""

    def __init__(self) -> None:
        self._video, self._track, self._frame, self._corners = array("i"), array("i"), array("i"), array("f")
        self.hard: dict[tuple[int, int], list[int]] = {}  # by video and track

    def add(self, video: int, tracks: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
        """The stems of the video's crops, in the order of its frames."""
        stems: list[str] = []
        for track in sorted(filter(str.isdigit, tracks), key=int):
            frames, usable = tracks[track], 0
            for frame in sorted(filter(str.isdigit, frames), key=int):
                box = box_in_crop(*_size(frames[frame]))
                usable += box.area > 0
                self._corners.extend((box.x1, box.y1, box.x2, box.y2))
                self._video.append(video)
                self._track.append(int(track))
                self._frame.append(len(stems))
                stems.append(crop_stem(frame_key(int(frame)), track))
            if hard := frames.get("hard"):
                self.hard[video, int(track)] = _positions(track, hard, usable)
        return stems

    def build(self) -> BoxTable:
        video, track, frame = (np.array(each, np.int32) for each in (self._video, self._track, self._frame))
        return BoxTable(video, track, frame, np.array(self._corners, np.float32).reshape(-1, 4))


def _positions(track: str, hard: Sequence[float], count: int) -> list[int]:
    wrong = [each for each in hard if each not in range(count)]
    if wrong:
        raise ValueError(f"the hard list of track {track} names {wrong[0]}, but it has {count} frames")
    return [int(each) for each in hard]


def _size(box: Sequence[float]) -> tuple[float, float]:
    if len(box) == 2:
        return float(box[0]), float(box[1])
    x1, y1, x2, y2 = map(float, box)
    return x2 - x1, y2 - y1
