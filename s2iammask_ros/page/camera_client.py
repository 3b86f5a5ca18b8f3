"""One camera of a tracker node, as a client sees it."""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from s2iammask.msg import Latency, TrackedObjectArray, TrackEvent
from s2iammask.srv import StartTracking, StopTracking
from s2iammask_core.errors import FrameError
from s2iammask_core.page.hub import Hub
from s2iammask_ros.images.subscription import ImageSubscription
from s2iammask_ros.messages.stamps import SECOND, nanoseconds
from s2iammask_ros.page.graph import ImageTopic
from s2iammask_ros.page.pairing import Pairing
from s2iammask_ros.settings import prefix_of

CHART = 120  # points, about one a second
EVENTS = 50  # that are kept
LEVELS = {TrackEvent.LOST: "bad", TrackEvent.UNCERTAIN: "unsure"}


class Clock(Protocol):
    def __call__(self) -> int:
        """Nanoseconds since 1970."""
        ...


class CameraClient:
    """Hears events and latency always, images and tracks only while somebody looks."""

    def __init__(self, node: Node, tracker: str, name: str, hub: Hub, now: Clock) -> None:
        self.name, self.topic, self.rate = name, ImageTopic("", "raw"), 0.0
        self._node, self._hub, self._now = node, hub, now
        self._below = f"{tracker}/{prefix_of(name)}"
        self.pairing = Pairing(lambda picture: hub.show(name, picture))
        self._images: ImageSubscription | None = None
        self._tracks: Any = None
        self._chart: deque[tuple[float | None, ...]] = deque(maxlen=CHART)
        self._events: deque[dict[str, object]] = deque(maxlen=EVENTS)
        self._dropped: int | None = None
        latched = QoSProfile(depth=EVENTS, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._always = [
            node.create_subscription(TrackEvent, f"{self._below}events", self._on_event, latched),
            node.create_subscription(Latency, f"{self._below}latency", self._on_latency, 10),
        ]
        self.start = node.create_client(StartTracking, f"{self._below}start_tracking")
        self.stop = node.create_client(StopTracking, f"{self._below}stop_tracking")

    def look(self, wanted: bool, topic: ImageTopic) -> None:
        """Listens to images and tracks, or ceases to."""
        if self._images is not None and (not wanted or topic != self.topic):
            self._images.destroy()
            self._node.destroy_subscription(self._tracks)
            self._images = self._tracks = None
        self.topic = topic
        if self._images is None and wanted and topic.name:
            self.pairing = Pairing(self.pairing.show)
            base = topic.name.removesuffix("/compressed") if topic.transport == "compressed" else topic.name
            group = self._node.default_callback_group
            self._images = ImageSubscription(self._node, base, topic.transport, self._on_image, group)
            self._tracks = self._node.create_subscription(
                TrackedObjectArray, f"{self._below}tracks", self._on_tracks, 10
            )
        elif self._images is not None:
            self._images.refresh()

    @property
    def is_looking(self) -> bool:
        return self._images is not None

    def destroy(self) -> None:
        self.look(False, self.topic)
        for subscription in self._always:
            self._node.destroy_subscription(subscription)
        for client in (self.start, self.stop):
            self._node.destroy_client(client)

    def _on_image(self, image: Any) -> None:
        self._try(lambda: self.pairing.add_image(image))

    def _on_tracks(self, tracks: TrackedObjectArray) -> None:
        self._try(lambda: self.pairing.add_tracks(tracks))

    def _try(self, action: Callable[[], None]) -> None:
        """What is wrong with one message is logged, and the next one is looked at."""
        try:
            action()
        except FrameError as error:
            self._node.get_logger().warning(f"an image cannot be shown: {error}", throttle_duration_sec=5.0)

    def _on_event(self, event: TrackEvent) -> None:
        lost = event.from_state != event.to_state and event.to_state in LEVELS
        refused = event.reason in (TrackEvent.DEVICE_FAILED, TrackEvent.CLICK_REFUSED)
        level = LEVELS[event.to_state] if lost else "bad" if refused else ""
        time = (nanoseconds(event.header.stamp) or self._now()) / SECOND
        self._events.append({"time": time, "text": event.text, "level": level})
        self._hub.tell("events", self.name, events=list(self._events))

    def _on_latency(self, latency: Latency) -> None:
        before, self._dropped = self._dropped, int(latency.dropped)
        dropped = max(self._dropped - (before if before is not None else self._dropped), 0)
        self.rate = float(latency.rate)
        figures = (self._now() / SECOND, latency.rate, latency.p50, latency.p95, dropped)
        self._chart.append(tuple(_rounded(figure) for figure in figures))
        self._hub.tell(
            "figures", self.name, names=["rate", "p50", "p95", "dropped"], points=list(self._chart)
        )


def _rounded(figure: float) -> float | None:
    """JSON has no NaN, which stands for no image."""
    return round(float(figure), 1) if figure == figure else None


def device_of(statuses: list[DiagnosticStatus], tracker: str) -> dict[str, str]:
    """What the node's own diagnostics say about its device, by name."""
    wanted = f"{tracker.rpartition('/')[2]}: device"
    return {pair.key: pair.value for each in statuses if each.name == wanted for pair in each.values}
