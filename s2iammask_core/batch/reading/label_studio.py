"""Label Studio's json: rectangles in videos and pictures, in percent of their size."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

from s2iammask_core.batch.jobs import Row, Start
from s2iammask_core.batch.reading import values
from s2iammask_core.batch.reading.pictures import Numbers
from s2iammask_core.batch.reading.tables import placed
from s2iammask_core.errors import DatasetError

VIDEO, PICTURE = "videorectangle", "rectanglelabels"


def knows(content: Any) -> bool:
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(task, dict) and "data" in task for task in content)
    )


def rows(path: Path, content: Any) -> Iterator[Row]:
    """Of a track in a video the first box, and where it is switched off; each box in a picture."""
    numbers = Numbers(path.parent)
    for task in content:
        for annotation in task.get("annotations", []):
            for number, result in enumerate(annotation["result"], start=1):
                if result["type"] == VIDEO:
                    source = file_of(_data(task, result), path.parent)
                    yield from (Row(source, start) for start in _track(result["value"], number))
                elif result["type"] == PICTURE:
                    folder, frame = numbers.place(file_of(_data(task, result), path.parent))
                    yield Row(folder, _start(result["value"], frame, 0, "rectanglelabels"))


def _data(task: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """The value that a result is about; tasks with one value need not say which."""
    data = task["data"]
    name = result.get("to_name", "")
    found = [data[key] for key in (name, "video", "image") if key in data] or [*data.values()]
    if not found:
        raise DatasetError(f"task {task.get('id')} has no data")
    return str(found[0])


def file_of(value: str, folder: Path) -> str:
    """The path or URL that a task's data names: local files are named in a query, `?d=folder/clip.mp4`."""
    url = urlparse(value)
    if local := parse_qs(url.query).get("d"):
        return placed(local[0], folder)
    return placed(unquote(value).lstrip("/") if value.startswith("/data/") else value, folder)


def _track(value: Mapping[str, Any], number: int) -> Iterator[Start]:
    boxes = sorted(value["sequence"], key=lambda box: values.whole("frame", box["frame"]))
    if not boxes:
        return
    first, last = boxes[0], boxes[-1]
    yield _start({**first, "labels": value.get("labels", [])}, _from_0(first), number, "labels")
    if not last.get("enabled", True):
        yield Start(values.whole("frame", last["frame"]), number)


def _from_0(box: Mapping[str, Any]) -> int:
    """The number of a frame, which they count from 1."""
    return values.whole("frame - 1", int(box["frame"]) - 1)


def _start(box: Mapping[str, Any], frame: int, number: int, labels: str) -> Start:
    if float(box.get("rotation", 0)):
        raise DatasetError(f"the box in frame {frame} is turned; draw upright ones")
    place = values.box(box[name] for name in ("x", "y", "width", "height"))
    label = str((box.get(labels) or [""])[0])
    return Start(frame, number, label, place, percent=True)
