"""Bags of rosbag2 (sqlite3 or mcap), read and written without rosbag2 itself."""

import shutil
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from ament_index_python.packages import get_package_share_directory
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader, StoragePlugin, Writer, WriterError
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore
from sensor_msgs.msg import CompressedImage, Image

from s2iammask_core.errors import S2iamMaskError
from s2iammask_core.files.outputs import PART
from s2iammask_ros.images.compressed import compressed_size
from s2iammask_ros.messages.stamps import SECOND, nanoseconds
from s2iammask_ros.outputs.topics import Topic

IMAGE_TYPES = {"sensor_msgs/msg/Image": Image, "sensor_msgs/msg/CompressedImage": CompressedImage}
OWN_PACKAGES = ("vision_msgs", "s2iammask")  # their definitions are not among those that rosbags knows
STORAGES = {"sqlite3": StoragePlugin.SQLITE3, "mcap": StoragePlugin.MCAP}
BAG_VERSION: Final = 9


class BagError(S2iamMaskError):
    """A bag cannot be read or written, or does not hold what was asked for."""


@dataclass(frozen=True, slots=True)
class BagImage:
    """An image of a bag, and when it was recorded, nanoseconds."""

    recorded: int
    message: Image | CompressedImage


@dataclass(frozen=True, slots=True)
class BagHead:
    """What a bag says of its images before they are tracked in."""

    count: int  # messages, at least one
    size: tuple[int, int]  # width and height of the first that can be read
    stamp: int  # of the same, nanoseconds


def head(bag: Path, topic: str = "") -> BagHead:
    """BagError if there is no image, or none that can be read."""
    found = next((image.message for _, image in images(bag, topic)), None)
    if found is None:
        raise BagError(f"the bag {bag} has no image that can be read")
    size = (found.width, found.height) if isinstance(found, Image) else compressed_size(found)
    return BagHead(count_images(bag, topic)[0], size, nanoseconds(found.header.stamp))


def images(bag: Path, topic: str = "") -> Iterator[tuple[int, BagImage]]:
    """The images of a topic that can be read, in the order of the bag, each with its place among all.

    Of the only image topic if none is named.
    """
    with _opened(bag) as reader:
        connection = _image_connection(reader.connections, topic)
        kind = IMAGE_TYPES[connection.msgtype]
        for number, (_, recorded, data) in enumerate(reader.messages([connection])):
            if (message := _message(bytes(data), kind)) is not None:
                yield number, BagImage(recorded, message)


def count_images(bag: Path, topic: str = "") -> tuple[int, float]:
    """How many images of the topic there are, and how many seconds the bag lasts."""
    with _opened(bag) as reader:
        return _image_connection(reader.connections, topic).msgcount, reader.duration / SECOND


@contextmanager
def _opened(bag: Path) -> Iterator[Reader]:
    """The bag; what is wrong with it, at once or in the block, is a BagError."""
    try:
        with Reader(bag) as reader:
            yield reader
    except S2iamMaskError:
        raise
    except Exception as error:  # the readers of storages raise whatever the broken byte leads to
        raise BagError(f"cannot read the bag {bag}: {error}") from error


def _message(data: bytes, kind: type[Image | CompressedImage]) -> Image | CompressedImage | None:
    try:
        return deserialize_message(data, kind)
    except Exception:  # of the middleware, and not the same in all
        return None


def _image_connection(connections: Collection[Connection], topic: str) -> Connection:
    found = {each.topic: each for each in connections if each.msgtype in IMAGE_TYPES}
    if topic in found:
        return found[topic]
    if not topic and len(found) == 1:
        return next(iter(found.values()))
    wanted = f"has no image topic {topic}" if topic else "has not exactly one image topic"
    raise BagError(f"the bag {wanted}; its image topics are: {', '.join(sorted(found)) or 'none'}")


class BagPublisher:
    """Publishes into a new bag; a context manager that closes it, and only then gives it its name."""

    def __init__(self, path: Path, storage: str, node: str, topics: Collection[Topic]) -> None:
        """node: name below which the topics appear, as they do below a running node."""
        self.now = 0  # time of recording of what is published next, nanoseconds
        self._path = path
        self._node, self._wanted = node, frozenset(topics)
        self._types = type_store()
        self._connections: dict[Topic, Connection] = {}
        self._part = path.with_name(f"{path.name}{PART}")  # files in a bag have its name: it is made in there
        if path.exists():
            raise BagError(f"cannot write a bag: {path} exists already; choose another place")
        shutil.rmtree(self._part, ignore_errors=True)  # of a run that was killed
        try:
            self._writer = Writer(
                self._part / path.name, version=BAG_VERSION, storage_plugin=STORAGES[storage]
            )
        except WriterError as error:
            raise BagError(f"cannot write a bag: {error}") from error

    def wanted(self, topic: Topic) -> bool:
        return topic in self._wanted

    def publish(self, topic: Topic, message: Any) -> None:
        if topic not in self._wanted:
            return
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(
                f"/{self._node}/{topic.name}", type_name(topic.kind), typestore=self._types
            )
        try:
            self._writer.write(self._connections[topic], self.now, serialize_message(message))
        except (WriterError, OSError, sqlite3.Error) as error:
            raise BagError(f"cannot write the bag {self._path}: {error}") from error

    def __enter__(self) -> "BagPublisher":
        try:
            self._writer.open()
        except (WriterError, OSError) as error:
            raise BagError(f"cannot write a bag: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._writer.close()
            if kind is None:
                (self._part / self._path.name).rename(self._path)
        except (WriterError, OSError, sqlite3.Error) as problem:
            raise BagError(f"cannot write the bag {self._path}: {problem}") from problem
        finally:
            shutil.rmtree(self._part, ignore_errors=True)


def type_name(kind: type[Any]) -> str:
    """As bags have it: package/msg/Name."""
    return f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"


def type_store() -> Typestore:
    """The definitions of all messages that the node publishes."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for package in OWN_PACKAGES:
        for file in sorted((Path(get_package_share_directory(package)) / "msg").glob("*.msg")):
            store.register(get_types_from_msg(file.read_text(), f"{package}/msg/{file.stem}"))
    return store
