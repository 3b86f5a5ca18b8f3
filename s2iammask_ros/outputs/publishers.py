"""The publishers of one camera."""

from collections.abc import Collection
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from s2iammask_ros.outputs.topics import Topic


class TopicPublishers:
    """Publishes over ROS; knows who listens. QoS can be overridden with qos_overrides parameters."""

    def __init__(self, node: Node, prefix: str, topics: Collection[Topic]) -> None:
        self._node = node
        self._publishers = {topic: _publisher(node, prefix, topic) for topic in topics}

    def wanted(self, topic: Topic) -> bool:
        publisher = self._publishers.get(topic)
        return publisher is not None and (topic.latched or publisher.get_subscription_count() > 0)

    def publish(self, topic: Topic, message: Any) -> None:
        self._publishers[topic].publish(message)

    def destroy(self) -> None:
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)


def _publisher(node: Node, prefix: str, topic: Topic) -> Any:
    durability = DurabilityPolicy.TRANSIENT_LOCAL if topic.latched else DurabilityPolicy.VOLATILE
    return node.create_publisher(
        topic.kind,
        topic.name if topic.name.startswith("/") else f"~/{prefix}{topic.name}",
        QoSProfile(depth=topic.depth, durability=durability),
        qos_overriding_options=QoSOverridingOptions.with_default_policies(),
    )
