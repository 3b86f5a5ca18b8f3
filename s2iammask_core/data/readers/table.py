"""Videos and tracks as views of flat arrays, because millions of boxes as Python objects would not fit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol, overload

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import Annotation, MaskSource, Video
from s2iammask_core.errors import DatasetError

Names = NDArray[np.bytes_]  # UTF-8
ESCAPED = "surrogateescape"  # how Python has the bytes of names of files in other encodings


def packed(names: Sequence[str]) -> Names:
    """DatasetError for a name that no file can have."""
    try:
        return np.array([name.encode("utf-8", ESCAPED) for name in names], dtype=np.bytes_)
    except UnicodeEncodeError as error:
        raise DatasetError(f"{str(error.object)[:80]!a} is no name of a file") from error


def unpacked(name: bytes) -> str:
    return name.decode("utf-8", ESCAPED)


class FrameFiles(Sequence[Path]):
    """The paths folder/stem + suffix, made on access."""

    __slots__ = ("_folder", "_stems", "_suffix")

    def __init__(self, folder: Path, stems: Names, suffix: str) -> None:
        self._folder, self._stems, self._suffix = folder, stems, suffix

    def __len__(self) -> int:
        return len(self._stems)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> "FrameFiles": ...
    def __getitem__(self, index: int | slice) -> "Path | FrameFiles":
        if isinstance(index, slice):
            return FrameFiles(self._folder, self._stems[index], self._suffix)
        stem: bytes = self._stems[index]
        return self._folder / (unpacked(stem) + self._suffix)


class MaskTable(Protocol):
    """Where the masks of a data set lie."""

    def at(self, row: int, frame: Path, track: int) -> MaskSource | None:
        """The mask of one annotation: its row as given to the table, its frame's path and its object id."""
        ...


class Track(Mapping[int, Annotation]):
    """The annotations of one object by frame index, in rising order."""

    __slots__ = ("_boxes", "_files", "_id", "_masks", "_rows", "frames")

    def __init__(self, video: "VideoRows", id_: int, span: slice, masks: MaskTable | None) -> None:
        self.frames = video.frame[span]  # (M,) int32, rising
        self._boxes = video.boxes[span]  # (M, 4)
        self._rows = video.row[span]  # (M,)
        self._files, self._id, self._masks = video.files, id_, masks

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[int]:
        return iter(self.frames.tolist())

    def __getitem__(self, frame: int) -> Annotation:
        place = int(np.searchsorted(self.frames, frame))
        if place == len(self.frames) or self.frames[place] != frame:
            raise KeyError(frame)
        box = Box(*self._boxes[place].tolist())
        if self._masks is None:
            return Annotation(box)
        return Annotation(box, self._masks.at(int(self._rows[place]), self._files[frame], self._id))


@dataclass(frozen=True, slots=True, eq=False)
class FrameTable:
    """The frames of V videos: root/folder/stem + suffix."""

    root: Path
    names: Names  # (V,)
    folders: Names  # (V,)
    offsets: NDArray[np.int64]  # (V + 1,) where a video's stems begin
    stems: Names  # (F,)
    suffix: str

    @classmethod
    def of(
        cls, root: Path, folders: Sequence[tuple[str, str]], stems: Sequence[Sequence[str]], suffix: str
    ) -> "FrameTable":
        """From each video's name and folder, and the stems of its frames."""
        names, places = packed([name for name, _ in folders]), packed([place for _, place in folders])
        offsets = np.cumsum([0, *map(len, stems)])
        return cls(root, names, places, offsets, packed(list(chain(*stems))), suffix)

    def files(self, video: int) -> FrameFiles:
        stems = self.stems[self.offsets[video] : self.offsets[video + 1]]
        return FrameFiles(self.root / unpacked(self.folders[video]), stems, self.suffix)


@dataclass(frozen=True, slots=True, eq=False)
class BoxTable:
    """N boxes in any order."""

    video: NDArray[np.int32]  # (N,) index of the video
    track: NDArray[np.int32]  # (N,) object id within the video
    frame: NDArray[np.int32]  # (N,) index of the frame within the video
    boxes: NDArray[np.float32]  # (N, 4) x1 y1 x2 y2


@dataclass(frozen=True, slots=True, eq=False)
class VideoRows:
    """The rows of one video, by track and frame."""

    files: FrameFiles
    track: NDArray[np.int32]
    frame: NDArray[np.int32]
    boxes: NDArray[np.float32]
    row: NDArray[np.int64]

    def tracks(self, masks: MaskTable | None) -> dict[int, Track]:
        ids, starts = np.unique(self.track, return_index=True)
        ends = [*starts[1:].tolist(), len(self.track)]
        spans = zip(ids.tolist(), starts.tolist(), ends, strict=True)
        return {id_: Track(self, id_, slice(start, end), masks) for id_, start, end in spans}


class VideoTable(Sequence[Video]):
    """The videos that have a box with an area; each is made when it is asked for."""

    def __init__(
        self,
        frames: FrameTable,
        boxes: BoxTable,
        masks: MaskTable | None = None,
        hard: Mapping[tuple[int, int], Sequence[int]] | None = None,
    ) -> None:
        """`hard`: by video and track, positions of hard boxes among the track's boxes with an area."""
        sides = boxes.boxes[:, 2:] - boxes.boxes[:, :2]
        usable = np.all(np.isfinite(sides) & (sides > 0), axis=1)  # (N,)
        order = np.lexsort((boxes.frame, boxes.track, boxes.video))
        self._row = order[usable[order]]  # (N',) rows of the given table, by video, track and frame
        self._frames, self._masks, self._hard = frames, masks, hard or {}
        self._track, self._frame = boxes.track[self._row], boxes.frame[self._row]
        self._boxes = boxes.boxes[self._row]
        self._video, starts = np.unique(boxes.video[self._row], return_index=True)
        self._offsets = np.append(starts, len(self._row))
        if not len(self._video):
            raise DatasetError(f"{frames.root} has no annotated object in this split")

    def __len__(self) -> int:
        return len(self._video)

    @overload
    def __getitem__(self, index: int) -> Video: ...
    @overload
    def __getitem__(self, index: slice) -> list[Video]: ...
    def __getitem__(self, index: int | slice) -> Video | list[Video]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        span = slice(self._offsets[place], self._offsets[place + 1])
        video = int(self._video[place])
        files = self._frames.files(video)
        rows = VideoRows(files, self._track[span], self._frame[span], self._boxes[span], self._row[span])
        tracks = rows.tracks(self._masks)
        hard = {id_: self._hard[video, id_] for id_ in tracks if (video, id_) in self._hard}
        return Video(unpacked(self._frames.names[video]), files, tracks, hard)
