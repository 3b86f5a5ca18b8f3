"""What the ROS graph tells of a tracker node: its cameras, and where their images come from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rclpy.node import Node, NodeNameNonExistentError

KINDS = {"sensor_msgs/msg/Image": "raw", "sensor_msgs/msg/CompressedImage": "compressed"}


@dataclass(frozen=True, slots=True)
class ImageTopic:
    name: str
    transport: str  # raw or compressed


def cameras_of(node: Node, tracker: str) -> list[str]:
    """Names of the cameras of a node that is there; [""] for one camera without a name; [] without a node."""
    pattern = re.compile(re.escape(tracker) + r"/(?:(\w+)/)?start_tracking")
    try:
        services = node.get_service_names_and_types_by_node(*_parts(tracker))
    except NodeNameNonExistentError:
        return []
    matches = [pattern.fullmatch(name) for name, _ in services]
    return sorted(match.group(1) or "" for match in matches if match)


def image_topics(node: Node, tracker: str) -> list[ImageTopic]:
    """What the tracker node listens to."""
    try:
        found = node.get_subscriber_names_and_types_by_node(*_parts(tracker))
    except NodeNameNonExistentError:
        return []
    return [ImageTopic(topic, KINDS[kind]) for topic, kinds in found for kind in kinds if kind in KINDS]


def _parts(tracker: str) -> tuple[str, str]:
    """Name and namespace of a full name."""
    namespace, _, name = tracker.rpartition("/")
    return name, namespace or "/"


def topic_of(camera: str, topics: Sequence[ImageTopic]) -> ImageTopic | None:
    """The one that is that camera's, as far as names tell; depth is none."""
    fitting = [topic for topic in topics if "depth" not in topic.name]
    if camera:
        fitting = [topic for topic in fitting if camera in topic.name.split("/")]
    return fitting[0] if len(fitting) == 1 else None
