"""The publishers of one camera."""

from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from s2iammask_ros.outputs.topics import TOPICS, Topic


class TopicPublishers:
    """Publishes over ROS; knows who listens. QoS can be overridden with qos_overrides parameters."""

    def __init__(self, node: Node, prefix: str) -> None:
        self._node = node
        self._publishers = {topic: _publisher(node, prefix, topic) for topic in TOPICS}

    def wanted(self, topic: Topic) -> bool:
        return topic.latched or self._publishers[topic].get_subscription_count() > 0

    def publish(self, topic: Topic, message: Any) -> None:
        self._publishers[topic].publish(message)

    def destroy(self) -> None:
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)


def _publisher(node: Node, prefix: str, topic: Topic) -> Any:
    durability = DurabilityPolicy.TRANSIENT_LOCAL if topic.latched else DurabilityPolicy.VOLATILE
    return node.create_publisher(
        topic.kind,
        f"~/{prefix}{topic.name}",
        QoSProfile(depth=topic.depth, durability=durability),
        qos_overriding_options=QoSOverridingOptions.with_default_policies(),
    )
