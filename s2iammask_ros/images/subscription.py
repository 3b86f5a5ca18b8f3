"""The subscription to a camera's images."""

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image

# large images over default transports hardly arrive best effort; Humble does not know the better choice
RELIABILITY = getattr(ReliabilityPolicy, "BEST_AVAILABLE", ReliabilityPolicy.BEST_EFFORT)


class ImageSubscription:
    """Newest wins: a queue of one. Takes over the reliability of the camera, also of one that comes later."""

    def __init__(
        self, node: Node, topic: str, transport: str, callback: Callable[[Any], None], group: CallbackGroup
    ) -> None:
        self._kind = Image if transport == "raw" else CompressedImage
        self._name = topic if transport == "raw" else _below(node, topic, transport)
        self._node, self._callback, self._group = node, callback, group
        self._stale = False
        self._qos = QoSProfile(depth=1, reliability=RELIABILITY)
        self._subscription = self._subscribe()

    @property
    def topic(self) -> str:
        """The name after all remapping."""
        return str(self._subscription.topic_name)

    @property
    def is_reliable(self) -> bool:
        """Whether all that publish the images do it reliably."""
        found = self._node.get_publishers_info_by_topic(self.topic)
        return all(each.qos_profile.reliability == ReliabilityPolicy.RELIABLE for each in found)

    def destroy(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def refresh(self) -> None:
        """Subscribes anew if a camera came later whose reliability does not fit; it is fixed on creation."""
        if self._stale:
            self._stale = False
            self.destroy()
            self._subscription = self._subscribe()

    def _subscribe(self) -> Any:
        return self._node.create_subscription(
            self._kind,
            self._name,
            self._callback,
            self._qos,
            callback_group=self._group,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def _on_incompatible(self, _info: Any) -> None:
        self._stale = self._qos.reliability == RELIABILITY  # and not what a parameter asked for


def _below(node: Node, topic: str, transport: str) -> str:
    """The name of a transport: its own remapping, or below that of the topic, as image_transport does it."""
    name = f"{topic}/{transport}"
    remapped = node.resolve_topic_name(name) != node.resolve_topic_name(name, only_expand=True)
    return name if remapped else f"{node.resolve_topic_name(topic)}/{transport}"
