"""A source of frames, read from its first to its last: a video, a folder of pictures, a stack or a camera."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Protocol

from s2iammask_core.errors import DatasetError, UnavailableError, VideoError
from s2iammask_core.files.cameras import camera_frames, camera_head, is_camera
from s2iammask_core.files.names import PICTURES, picture_files
from s2iammask_core.files.pictures import read_picture
from s2iammask_core.files.reading import USUAL_RATE, Head, Numbered, Tally
from s2iammask_core.files.stacks import stack_frames, stack_head
from s2iammask_core.geometry import HostFrame

STACKS = PICTURES | {".gif", ".apng"}


class Read(Protocol):
    """Opens a source and gives its frames."""

    def __call__(self, limit: int | None = None) -> Iterator[Numbered]:
        """The first so many frames, or all."""
        ...


@dataclass(frozen=True, slots=True)
class Clip:
    """A source of frames, opened when it is iterated over.

    A damaged or truncated one gives what can be read of it, each frame with its own number, and raises
    IncompleteError at its end.
    """

    name: str
    rate: float  # frames per second
    count: int | None  # frames that it promises; None for a camera, and where a file does not say
    read: Read
    endless: bool = False  # a camera: somebody has to stop it
    inputs: tuple[Path, ...] = ()  # the file, or the folder and its files, which no output may overwrite

    def __iter__(self) -> Iterator[HostFrame]:
        """The frames alone, for those whose numbers do not matter."""
        return (each.frame for each in self.read())


def open_clip(source: str) -> Clip:
    """The clip behind a path of a video, a picture with many pages or a folder of pictures, or a camera."""
    path = Path(source)
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        return open_file(path)
    if is_camera(source):
        head = camera_head(source)
        return Clip(f"camera {source}", head.rate, None, partial(camera_frames, source), endless=True)
    raise VideoError(f"there is no video, folder or camera {source!r}")


def open_file(path: Path) -> Clip:
    """The clip in one file."""
    head = file_head(path)
    return Clip(str(path), head.rate, head.count, partial(file_frames, path), inputs=(path,))


def file_head(path: Path) -> Head:
    """What a video or a picture with many pages says of itself."""
    return stack_head(path) if _is_stack(path) else _videos(path).video_head(path)


def file_frames(path: Path, limit: int | None = None) -> Iterator[Numbered]:
    """The first so many of its frames, or all; the file is opened once."""
    return stack_frames(path, limit) if _is_stack(path) else _videos(path).video_frames(path, limit)


def _is_stack(path: Path) -> bool:
    return path.suffix.lower() in STACKS


def _videos(path: Path) -> ModuleType:
    try:
        from s2iammask_core.files import videos
    except ImportError as error:
        raise UnavailableError(f"{path} needs PyAV: pip install av") from error
    return videos


def _folder(folder: Path) -> Clip:
    files = picture_files(folder)
    if not files:
        raise DatasetError(f"the folder {folder} holds no pictures ({', '.join(sorted(PICTURES))})")

    return Clip(
        str(folder), USUAL_RATE, len(files), partial(_pictures, folder, files), inputs=(folder, *files)
    )


def _pictures(folder: Path, files: Sequence[Path], limit: int | None = None) -> Iterator[Numbered]:
    """The pictures that can be read; IncompleteError at the end, if those are not all."""
    tally = Tally(len(files))
    for number, path in enumerate(files[:limit]):
        try:
            frame = read_picture(path)
        except DatasetError as error:
            tally.missing.append(number)
            tally.reasons.append(str(error))
            continue
        tally.read += 1
        yield Numbered(number, frame)
    tally.check(str(folder), limit)
