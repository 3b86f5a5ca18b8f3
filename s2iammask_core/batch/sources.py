"""Recordings as they are read: videos and folders of frames here, bags by the ROS package."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from s2iammask_core.batch.follow import follow
from s2iammask_core.batch.moments import Found, Moment, Source
from s2iammask_core.batch.plan import Part
from s2iammask_core.errors import DatasetError, UnavailableError
from s2iammask_core.files.clips import file_frames, file_head
from s2iammask_core.files.names import picture_files
from s2iammask_core.files.pictures import read_picture
from s2iammask_core.tracking.tracker import Tracker

IN_A_BAG = "metadata.yaml"  # in the folder of each rosbag2 bag
BAGS = "s2iammask_ros.tools.recordings"  # found where ROS 2 is installed


@dataclass(frozen=True, slots=True)
class Video:
    """A video file, opened once each time it is counted or read."""

    path: Path

    def count(self) -> int:
        return file_head(self.path).count or 0

    def moments(self, first: int = 0) -> Iterator[Moment]:
        for number, frame in file_frames(self.path):  # what lies before has to be decoded too
            if number >= first:
                yield Moment(number, None, frame)

    def follow(self, tracker: Tracker, part: Part) -> Iterator[Found]:
        return follow(tracker, part, self.moments(part.first_frame))


@dataclass(frozen=True, slots=True)
class Folder:
    """Pictures, each a frame."""

    files: tuple[Path, ...]

    def count(self) -> int:
        return len(self.files)

    def moments(self, first: int = 0) -> Iterator[Moment]:
        for number, path in enumerate(self.files[first:], start=first):
            yield Moment(number, None, read_picture(path), path.name)

    def follow(self, tracker: Tracker, part: Part) -> Iterator[Found]:
        return follow(tracker, part, self.moments(part.first_frame))


def open_source(path: Path, topic: str = "") -> Source:
    """The recording that lies there, which is not opened yet; DatasetError if it cannot be one."""
    if is_bag(path):
        source: Source = bags().BagSource(path, topic)
        return source
    if topic:
        raise DatasetError(f"{path} is no bag, so it has no topic {topic}")
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise DatasetError(f"there is no recording {path}")
    return Video(path)


def _folder(path: Path) -> Folder:
    files = picture_files(path)
    if not files:
        raise DatasetError(f"there are no pictures in {path}")
    return Folder(files)


def is_bag(path: Path) -> bool:
    return (path / IN_A_BAG).is_file()


def bags() -> Any:
    """The module of the ROS package that reads and writes bags; UnavailableError without ROS."""
    try:
        return import_module(BAGS)
    except ImportError as error:
        raise UnavailableError(
            f"bags need the ROS 2 package of s2iammask, built and sourced: {error}"
        ) from error
