"""Pictures by their paths, as frames of the folder that they lie in."""

from pathlib import Path

from s2iammask_core.batch.reading.tables import placed
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.names import picture_files
from s2iammask_core.files.pictures import picture_size


class Numbers:
    """Finds the numbers of pictures in their folders; each folder is listed once."""

    def __init__(self, root: Path) -> None:
        self._root = root  # what relative paths begin at
        self._known: dict[Path, dict[str, int]] = {}

    def place(self, picture: str, size: tuple[int, int] | None = None) -> tuple[str, int]:
        """The folder of a picture, and its number there; DatasetError if it is not there.

        size: the width and height that it is said to have, for DatasetError if it has others.
        """
        path = Path(placed(picture, self._root))
        folder = path.parent
        if folder not in self._known:
            self._known[folder] = {file.name: number for number, file in enumerate(picture_files(folder))}
        if path.name not in self._known[folder]:
            raise DatasetError(f"there is no picture {path}")
        if size and (found := picture_size(path)) != size:
            said, true = (f"{width}x{height}" for width, height in (size, found))
            raise DatasetError(f"{path} is said to be {said}, but it is {true}")
        return str(folder), self._known[folder][path.name]
