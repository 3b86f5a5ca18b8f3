"""CVAT: annotations.json of a task's backup, beside task.json and the folder data."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from s2iammask_core.batch.jobs import Row, Start
from s2iammask_core.batch.reading import values
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.json_files import read_json
from s2iammask_core.files.names import PICTURES

RECTANGLE = "rectangle"


def knows(content: Any) -> bool:
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(job, dict) and {"shapes", "tracks"} <= job.keys() for job in content)
    )


def rows(path: Path, content: Any) -> Iterator[Row]:
    """A track begins with its first rectangle and ends where it is outside; each single one is an object."""
    source, name = _recording(path.parent)
    number = 0
    for job in content:
        for track in job["tracks"]:
            number += 1
            for start in _track(track, number):
                yield Row(source, start, name=name)
        for shape in job["shapes"]:
            if shape["type"] == RECTANGLE:
                number += 1
                yield Row(source, _start(shape, number, str(shape.get("label", ""))), name=name)


def _track(track: Mapping[str, Any], number: int) -> Iterator[Start]:
    """Its first rectangle, and where it is outside of the picture for good."""
    label = str(track.get("label", ""))
    shapes = sorted(
        (shape for shape in track["shapes"] if shape["type"] == RECTANGLE),
        key=lambda shape: values.whole("frame", shape["frame"]),
    )
    seen = [shape for shape in shapes if not shape.get("outside", False)]
    if seen:
        yield _start(seen[0], number, label)
        if shapes[-1].get("outside", False):
            yield Start(values.whole("frame", shapes[-1]["frame"]), number, label)


def _start(shape: Mapping[str, Any], number: int, label: str) -> Start:
    x1, y1, x2, y2 = (float(value) for value in shape["points"])
    place = values.box((x1, y1, x2 - x1, y2 - y1))
    return Start(values.whole("frame", shape["frame"]), number, label, place)


def _recording(folder: Path) -> tuple[str, str]:
    """The video in the backup's data, or the folder itself if it holds pictures."""
    data = folder / "data"
    if not data.is_dir():
        raise DatasetError(f"there is no folder {data}; unpack the whole backup of the task")
    name = str(read_json(folder / "task.json").get("name", "")) if (folder / "task.json").is_file() else ""
    files = sorted(
        file for file in data.iterdir() if file.is_file() and file.suffix not in (".jsonl", ".json")
    )
    if files and all(file.suffix.lower() in PICTURES for file in files):
        return str(data.absolute()), name
    if len(files) != 1:
        raise DatasetError(f"{data} must hold one video or pictures alone, it holds {len(files)} other files")
    return str(files[0].absolute()), name
