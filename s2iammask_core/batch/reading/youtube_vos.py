"""YouTube-VOS's meta.json, beside Annotations and JPEGImages: masks of the frames where objects begin."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from s2iammask_core.batch.jobs import Row, Start
from s2iammask_core.batch.reading import values
from s2iammask_core.batch.reading.pictures import Numbers
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.names import picture_files


def knows(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("videos"), dict)


def rows(path: Path, content: Any) -> Iterator[Row]:
    numbers = Numbers(path.parent)
    for name, video in content["videos"].items():
        labels = {file.stem: file for file in picture_files(path.parent / "Annotations" / name)}
        frames = {file.stem: file for file in picture_files(path.parent / "JPEGImages" / name)}
        for id_, each in video["objects"].items():
            stem = each["frames"][0]
            if stem not in labels or stem not in frames:
                raise DatasetError(f"object {id_} of {name} begins in frame {stem}, which has no picture")
            source, number = numbers.place(str(frames[stem]))
            label = str(each.get("category", ""))
            value = values.whole(f"the id of an object of {name}", id_)
            start = Start(number, value, label, mask=str(labels[stem].absolute()), value=value)
            yield Row(source, start, name=name)
