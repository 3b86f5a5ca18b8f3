"""The page's ROS node: it finds the tracker and its cameras, and keeps the hub up to date."""

import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # Humble has both here only
from rclpy.node import Node

from s2iammask_core.page.backend import Greeting
from s2iammask_core.page.hub import Hub
from s2iammask_ros.page.asking import Asking
from s2iammask_ros.page.camera_client import CameraClient, device_of
from s2iammask_ros.page.graph import ImageTopic, cameras_of, image_topics, topic_of
from s2iammask_ros.page.settings import PageConfig
from s2iammask_ros.page.words import Situation, status
from s2iammask_ros.parameters import declare
from s2iammask_ros.settings import NodeConfig, prefix_of

PERIOD = 0.25  # seconds between two looks at the graph
LINGER = 5.0  # seconds for which images are heard after the last viewer has gone
ASKED = ("precision", "click_size", "history_seconds")


class PageNode(Node):
    """Decides nothing, and the tracker does not know it."""

    def __init__(self, hub: Hub, **options: Any) -> None:
        super().__init__("page", **options)
        self.settings = declare(self, PageConfig)
        self.tracker = self._full_name(self.settings.tracker)
        self.cameras: dict[str, CameraClient] = {}
        self.wanted: frozenset[str] = frozenset()  # cameras that somebody looks at
        self._looked: dict[str, float] = {}  # by camera: when somebody looked last
        self._hub = hub
        self._state: int | None = None
        self._given: dict[str, Any] = {}
        self._device: dict[str, str] = {}
        self._is_there = False
        self._get_state = Asking(self, GetState, f"{self.tracker}/get_state", self._on_state)
        self._get_parameters = Asking(
            self, GetParameters, f"{self.tracker}/get_parameters", self._on_parameters
        )
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(PERIOD, self._tick, clock=steady)
        self.create_timer(4 * PERIOD, self._ask, clock=steady)

    @property
    def greeting(self) -> Greeting:
        usual = NodeConfig()
        return Greeting(
            "live",
            self.tracker,
            list(self.cameras) or [""],
            float(self._given.get("click_size", usual.click_size)),
            keeps=float(self._given.get("history_seconds", usual.history_seconds)),
        )

    def now(self) -> int:
        return time.time_ns()

    def _full_name(self, name: str) -> str:
        namespace = self.get_namespace().rstrip("/")
        return name if name.startswith("/") else f"{namespace}/{name}"

    def _tick(self) -> None:
        found = cameras_of(self, self.tracker)
        if bool(found) != self._is_there:
            self._is_there, self._state, self._given = bool(found), None, {}
        if found and found != list(self.cameras):
            self._change_cameras(found)
        topics = image_topics(self, self.tracker) if found else []
        for camera in self.cameras.values():
            self._refresh(camera, topics)
        if not self.cameras:
            self._hub.tell("status", "", **status(self._situation(None)))
        self._hub.tell("hello", **self.greeting.record())
        self._tell_about()

    def _change_cameras(self, names: list[str]) -> None:
        for name in [name for name in self.cameras if name not in names]:
            self.cameras.pop(name).destroy()
            self._hub.forget(name)
        known = self.cameras
        self.cameras = {
            name: known.get(name) or CameraClient(self, self.tracker, name, self._hub, self.now)
            for name in names
        }

    def _refresh(self, camera: CameraClient, topics: list[ImageTopic]) -> None:
        now = time.monotonic()
        if camera.name in self.wanted:
            self._looked[camera.name] = now
        wanted = now - self._looked.get(camera.name, -LINGER) < LINGER
        camera.look(wanted, self._topic(camera, topics))
        self._hub.tell("status", camera.name, **status(self._situation(camera)))

    def _topic(self, camera: CameraClient, topics: list[ImageTopic]) -> ImageTopic:
        """The one that was named when the page was started, or the node's; the last one while it is gone."""
        base = f"{prefix_of(camera.name)}image"
        named = self.resolve_topic_name(base)
        if named != self.resolve_topic_name(base, only_expand=True):
            compressed = ImageTopic(f"{named}/compressed", "compressed")
            return compressed if compressed in topics else ImageTopic(named, "raw")
        return topic_of(camera.name, topics) or camera.topic

    def _situation(self, camera: CameraClient | None) -> Situation:
        topic = camera.topic.name if camera is not None else ""
        looking = camera is not None and camera.is_looking
        now = time.monotonic()
        return Situation(
            tracker=self.tracker,
            is_there=self._is_there,
            state=self._state,
            topic=topic,
            publishers=self.count_publishers(topic) if topic else 0,
            silence=now - camera.pairing.came if camera is not None and looking else 0.0,
            unanswered=now - camera.pairing.answered if camera is not None and looking else 0.0,
            rate=camera.rate if camera is not None else 0.0,
        )

    def _ask(self) -> None:
        """The node's state each second, its parameters once."""
        self._get_state.ask(GetState.Request())
        if not self._given:
            self._get_parameters.ask(GetParameters.Request(names=list(ASKED)))

    def _on_state(self, answer: Any) -> None:
        self._state = int(answer.current_state.id)

    def _on_parameters(self, answer: Any) -> None:
        if len(answer.values) != len(ASKED):
            return
        pairs = zip(ASKED, answer.values, strict=True)
        self._given = {name: value.string_value or value.double_value for name, value in pairs}

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self._device = device_of(message.status, self.tracker) or self._device

    def _tell_about(self) -> None:
        precision = {"Precision": self._given["precision"]} if self._given else {}
        device = {key.replace("_", " ").capitalize(): value for key, value in self._device.items()}
        images = {
            f"Images{' of ' + name if name else ''}": each.topic.name
            for name, each in self.cameras.items()
            if each.topic.name
        }
        self._hub.tell("about", about={"Node": self.tracker, **images, **device, **precision})
