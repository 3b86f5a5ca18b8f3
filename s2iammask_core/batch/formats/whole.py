"""Outputs of all recordings together, written one recording after the other."""

import csv
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

from s2iammask_core.batch.formats.places import Places
from s2iammask_core.batch.rows import TrackRow
from s2iammask_core.batch.view import Seen, View
from s2iammask_core.files.outputs import growing_file

Views = Callable[[], Iterable[View]]  # of all recordings that are done, in the order of the table

COLUMNS = (
    *("recording", "topic", "frame", "stamp", "id", "label", "state", "confidence"),
    *("x", "y", "width", "height", "cx", "cy", "rotated_width", "rotated_height", "theta"),
)


def write_coco(views: Views, places: Places, categories: Mapping[str, int]) -> None:
    """COCO's instances with `track_id`, and the videos that the images belong to."""
    with growing_file(places.coco) as file, TemporaryFile("w+") as images, TemporaryFile("w+") as annotations:
        writer = _Coco(images, annotations, categories)
        videos = [writer.add(view) for view in views()]
        names = [{"id": number, "name": label} for label, number in categories.items()]
        file.write(f'{{"categories": {json.dumps(names)},\n"videos": {json.dumps(videos)},\n"images": [')
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
    video: int = 0
    image: int = 0
    annotation: int = 0

    def add(self, view: View) -> dict[str, Any]:
        self.video += 1
        for frame in view.frames():
            self.image += 1
            self._put(self.images, self.image, self._image(view, frame[0].row))
            for seen in frame:
                if not seen.row.is_lost:
                    self.annotation += 1
                    self._put(self.annotations, self.annotation, self._annotation(seen))
        return {"id": self.video, "name": view.job.name, "source": view.job.source}

    def _put(self, file: IO[str], number: int, values: dict[str, Any]) -> None:
        file.write((",\n" if number > 1 else "\n") + json.dumps({"id": number, **values}))

    def _image(self, view: View, row: TrackRow) -> dict[str, Any]:
        height, width = row.size
        stamp = {} if row.stamp is None else {"stamp": row.stamp}
        values = {"video_id": self.video, "frame_id": row.frame, "width": width, "height": height, **stamp}
        return {"file_name": file_name(view, row), **values}

    def _annotation(self, seen: Seen) -> dict[str, Any]:
        row, box = seen.row, seen.row.track.box
        return {
            "image_id": self.image,
            "video_id": self.video,
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


def write_boxes(views: Views, places: Places, categories: Mapping[str, int]) -> None:
    """A row for each object and frame."""
    with growing_file(places.boxes) as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for view in views():
            table.writerows(row_of(view, seen) for frame in view.frames() for seen in frame)


def row_of(view: View, seen: Seen) -> list[object]:
    row, track = seen.row, seen.row.track
    rotated = track.rotated_box
    figures = [
        *(track.confidence, *track.box.xywh),
        *(rotated.cx, rotated.cy, rotated.width, rotated.height, rotated.theta),
    ]
    place = [view.job.source, view.job.topic, row.frame, "" if row.stamp is None else row.stamp]
    return [*place, seen.id, seen.label, track.state.value, *(f"{value:.4f}" for value in figures)]


def write_meta(views: Views, places: Places, categories: Mapping[str, int]) -> None:
    """YouTube-VOS's list of objects, beside the palette pictures."""
    with growing_file(places.meta) as file:
        file.write('{"videos": {')
        for number, view in enumerate(views()):
            file.write(
                (",\n" if number else "\n") + f"{json.dumps(view.job.name)}: {json.dumps(_objects(view))}"
            )
        file.write("}}\n")


def _objects(view: View) -> dict[str, Any]:
    objects: dict[str, dict[str, Any]] = {}
    for frame in view.frames():
        for seen in frame:
            if not seen.row.is_lost:
                each = objects.setdefault(str(seen.id), {"category": seen.label, "frames": []})
                each["frames"].append(seen.row.name)
    return {"objects": objects}


WHOLE: dict[str, Callable[[Views, Places, Mapping[str, int]], None]] = {
    "coco": write_coco,
    "boxes": write_boxes,
    "davis": write_meta,
}
