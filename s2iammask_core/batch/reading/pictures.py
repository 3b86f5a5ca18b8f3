"""Pictures by their paths, as frames of the folder that they lie in."""

from pathlib import Path

from s2iammask_core.batch.reading.tables import placed
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.names import picture_files


class Numbers:
    """Finds the numbers of pictures in their folders; each folder is listed once."""

    def __init__(self, root: Path) -> None:
        self._root = root  # what relative paths begin at
        self._known: dict[Path, dict[str, int]] = {}

    def place(self, picture: str) -> tuple[str, int]:
        """The folder of a picture, and its number there; DatasetError if it is not there."""
        path = Path(placed(picture, self._root))
        folder = path.parent
        if folder not in self._known:
            self._known[folder] = {file.name: number for number, file in enumerate(picture_files(folder))}
        if path.name not in self._known[folder]:
            raise DatasetError(f"there is no picture {path}")
        return str(folder), self._known[folder][path.name]
