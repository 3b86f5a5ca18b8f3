"""From a file to rows, whatever it is."""

from collections.abc import Callable, Iterator
from pathlib import Path

from s2iammask_core.batch.jobs import Row
from s2iammask_core.batch.reading import coco, cvat, label_studio, youtube_vos
from s2iammask_core.batch.reading.tables import TABLES
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.json_files import read_json

ANNOTATIONS = (coco, youtube_vos, cvat, label_studio)  # each says what it knows by its content


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a table or of annotations, one at a time; DatasetError for what is neither."""
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DatasetError(f"there is no file {path} of recordings and first boxes")
    if suffix in TABLES:
        return TABLES[suffix](path)
    if suffix != ".json":
        raise DatasetError(f"{path} must end in {', '.join(TABLES)} or .json")
    return _annotated(path)


def _annotated(path: Path) -> Iterator[Row]:
    content = read_json(path)
    for kind in ANNOTATIONS:
        if kind.knows(content):
            return _checked(path, kind.rows, content)
    raise DatasetError(
        f"{path} is no json of COCO (images and annotations), YouTube-VOS (videos), CVAT (annotations of a "
        "task's backup) or Label Studio (a list of tasks with data)"
    )


def _checked(path: Path, rows: Callable[[Path, object], Iterator[Row]], content: object) -> Iterator[Row]:
    """The rows; what is broken is a DatasetError that names the file."""
    try:
        yield from rows(path, content)
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise DatasetError(f"{path} is broken: {type(error).__name__}: {error}") from error
