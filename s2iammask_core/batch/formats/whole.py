"""Outputs of all recordings together, written one recording after the other."""

import csv
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, Any, Protocol, TextIO

from s2iammask_core.batch.formats.places import Places
from s2iammask_core.batch.rows import TrackRow
from s2iammask_core.batch.view import Seen, View
from s2iammask_core.files.outputs import growing_file

COLUMNS = (
    *("recording", "topic", "frame", "stamp", "id", "label", "state", "confidence"),
    *("x", "y", "width", "height", "cx", "cy", "rotated_width", "rotated_height", "theta"),
)


class Whole(Protocol):
    """An output of all recordings, which sees one after the other."""

    def begin(self, view: View) -> None:
        """With the next recording."""
        ...

    def add(self, frame: Sequence[Seen]) -> None:
        """The objects of its next frame that has any."""
        ...

    def end(self) -> None:
        """It has no more frames."""
        ...


Opened = Callable[[Places, Mapping[str, int]], AbstractContextManager[Whole]]  # of places and categories


def write_whole(
    outputs: Iterable[Opened], views: Iterable[View], places: Places, categories: Mapping[str, int]
) -> None:
    """Writes these outputs; what is kept is read once for all of them.

    Args:
        views: of all recordings that are done, in the order of the table.
    """
    with ExitStack() as stack:
        wholes = [stack.enter_context(opened(places, categories)) for opened in outputs]
        for view in views:
            for whole in wholes:
                whole.begin(view)
            for frame in view.frames():
                for whole in wholes:
                    whole.add(frame)
            for whole in wholes:
                whole.end()


@contextmanager
def coco(places: Places, categories: Mapping[str, int]) -> Iterator[Whole]:
    """COCO's instances with `track_id`, and the videos that the images belong to."""
    with growing_file(places.coco) as file, TemporaryFile("w+") as images, TemporaryFile("w+") as annotations:
        writer = _Coco(images, annotations, categories)
        yield writer
        names = [{"id": number, "name": label} for label, number in categories.items()]
        file.write(
            f'{{"categories": {json.dumps(names)},\n"videos": {json.dumps(writer.videos)},\n"images": ['
        )
        _append(file, images)
        file.write('],\n"annotations": [')
        _append(file, annotations)
        file.write("]}\n")


@dataclass
class _Coco:
    """Collects images and annotations; their numbers rise from 1."""

    images: IO[str]
    annotations: IO[str]
    categories: Mapping[str, int]
    videos: list[dict[str, Any]] = field(default_factory=list)
    image: int = 0
    annotation: int = 0

    def begin(self, view: View) -> None:
        self._view = view
        video = {"id": len(self.videos) + 1, "name": view.job.name, "source": view.job.source}
        self.videos.append(video)

    def add(self, frame: Sequence[Seen]) -> None:
        self.image += 1
        self._put(self.images, self.image, self._image(frame[0].row))
        for seen in frame:
            if not seen.row.is_lost:
                self.annotation += 1
                self._put(self.annotations, self.annotation, self._annotation(seen))

    def end(self) -> None: ...

    def _put(self, file: IO[str], number: int, values: dict[str, Any]) -> None:
        file.write((",\n" if number > 1 else "\n") + json.dumps({"id": number, **values}))

    def _image(self, row: TrackRow) -> dict[str, Any]:
        height, width = row.size
        stamp = {} if row.stamp is None else {"stamp": row.stamp}
        place = {"file_name": file_name(self._view, row), "video_id": len(self.videos), "frame_id": row.frame}
        return {**place, "width": width, "height": height, **stamp}

    def _annotation(self, seen: Seen) -> dict[str, Any]:
        row, box = seen.row, seen.row.track.box
        return {
            "image_id": self.image,
            "video_id": len(self.videos),
            "track_id": seen.id,
            "category_id": self.categories[seen.label],
            "bbox": [round(value, 3) for value in box.xywh],
            "area": row.area,
            "segmentation": row.rle,
            "iscrowd": 0,
            "state": row.track.state.value,
            "confidence": round(row.track.confidence, 4),
        }


def file_name(view: View, row: TrackRow) -> str:
    """The picture of a frame; of videos and bags the one below `images` that is written if asked for."""
    return f"{view.job.source}/{row.file}" if row.file else f"{view.job.name}/{row.name}.jpg"


def _append(file: IO[str], part: IO[str]) -> None:
    part.seek(0)
    shutil.copyfileobj(part, file)


@contextmanager
def boxes(places: Places, categories: Mapping[str, int]) -> Iterator[Whole]:
    """A row for each object and frame."""
    with growing_file(places.boxes) as file:
        yield Table(file, COLUMNS, row_of)


class Table:
    """A csv file with a row for each object and frame, or for some of them."""

    def __init__(
        self,
        file: TextIO,
        columns: Sequence[str],
        row: Callable[[View, Seen], list[object]],
        wanted: Callable[[Seen], bool] = lambda seen: True,
    ) -> None:
        self._table, self._row, self._wanted = csv.writer(file), row, wanted
        self._table.writerow(columns)

    def begin(self, view: View) -> None:
        self._view = view

    def add(self, frame: Sequence[Seen]) -> None:
        self._table.writerows(self._row(self._view, seen) for seen in frame if self._wanted(seen))

    def end(self) -> None: ...


def row_of(view: View, seen: Seen) -> list[object]:
    row, track = seen.row, seen.row.track
    rotated = track.rotated_box
    figures = [
        *(track.confidence, *track.box.xywh),
        *(rotated.cx, rotated.cy, rotated.width, rotated.height, rotated.theta),
    ]
    place = [view.job.source, view.job.topic, row.frame, "" if row.stamp is None else row.stamp]
    return [*place, seen.id, seen.label, track.state.value, *(f"{value:.4f}" for value in figures)]


@contextmanager
def meta(places: Places, categories: Mapping[str, int]) -> Iterator[Whole]:
    """YouTube-VOS's list of objects, beside the palette pictures."""
    with growing_file(places.meta) as file:
        file.write('{"videos": {')
        yield _Meta(file)
        file.write("}}\n")


@dataclass
class _Meta:
    file: TextIO
    videos: int = 0

    def begin(self, view: View) -> None:
        self._name = view.job.name
        self._objects: dict[str, dict[str, Any]] = {}

    def add(self, frame: Sequence[Seen]) -> None:
        for seen in frame:
            if not seen.row.is_lost:
                each = self._objects.setdefault(str(seen.id), {"category": seen.label, "frames": []})
                each["frames"].append(seen.row.name)

    def end(self) -> None:
        self.videos += 1
        video = json.dumps({"objects": self._objects})
        self.file.write((",\n" if self.videos > 1 else "\n") + f"{json.dumps(self._name)}: {video}")


WHOLE: dict[str, Opened] = {"coco": coco, "boxes": boxes, "davis": meta}
