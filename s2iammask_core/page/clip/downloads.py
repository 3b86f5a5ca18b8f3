"""Files of a clip's result, made by the writers of `s2iammask track` in a folder of this process."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from s2iammask_core.errors import IncompleteError
from s2iammask_core.files.clips import Clip
from s2iammask_core.files.reading import Numbered
from s2iammask_core.page.clip.records import Found
from s2iammask_core.sinks import Sink, box_sink, mask_sink, overlay_sink

Result = Mapping[int, Sequence[Found]]  # by frame
EVERY = 10  # frames between two words about how far it is


class Downloads:
    """What was made, by name; it is gone when the server ends."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._folder = TemporaryDirectory(prefix="s2iammask_page_")
        self._made: dict[str, Path] = {}

    def close(self) -> None:
        self._folder.cleanup()

    def find(self, name: str) -> Path | None:
        return self._made.get(name)

    def make(self, what: str, result: Result, told: Callable[[int], None]) -> str:
        """Makes the overlay video, the masks or the boxes; the file's name. told: gets each tenth frame."""
        stem, folder = Path(self._clip.name).stem or "clip", Path(self._folder.name)
        sinks: dict[str, tuple[Path, Callable[[Path], AbstractContextManager[Sink]]]] = {
            "overlay": (folder / f"{stem}_overlay.mp4", lambda path: overlay_sink(path, self._clip.rate)),
            "masks": (folder / f"{stem}_masks", mask_sink),
            "boxes": (folder / f"{stem}_boxes.csv", box_sink),
        }
        path, sink = sinks[what]
        with sink(path) as write:
            for number, frame in self._frames():
                write(number, frame, [found.whole for found in result.get(number, ())])
                if number % EVERY == 0:
                    told(number)
        made = Path(shutil.make_archive(str(path), "zip", path)) if path.is_dir() else path
        self._made[made.name] = made
        return made.name

    def _frames(self) -> Iterator[Numbered]:
        with suppress(IncompleteError):  # what can be read is there; the page has said what is missing
            yield from self._clip.read()
