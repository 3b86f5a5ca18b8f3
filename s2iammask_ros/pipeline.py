"""What exists between configure and cleanup: the network, the cameras, and the thread that works for them."""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from builtin_interfaces.msg import Time
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from s2iammask_core import TrackerConfig
from s2iammask_core.errors import UnavailableError
from s2iammask_core.geometry import HostFrame
from s2iammask_core.worker import Worker
from s2iammask_ros import together
from s2iammask_ros.camera import Camera
from s2iammask_ros.engine import Engine
from s2iammask_ros.faults import Faults
from s2iammask_ros.health.counters import Counts
from s2iammask_ros.health.depth import DepthReport, Source
from s2iammask_ros.health.diagnostics import Report, latency_message
from s2iammask_ros.health.loss import PROFILE, Transport
from s2iammask_ros.images.arrivals import Arrival, ImageMessage
from s2iammask_ros.images.subscription import RELIABILITY, ImageSubscription
from s2iammask_ros.messages.stamps import SECOND
from s2iammask_ros.outputs.outputs import Listener, Outputs
from s2iammask_ros.outputs.publishers import TopicPublishers
from s2iammask_ros.outputs.topics import LATENCY, TF, TOPICS
from s2iammask_ros.settings import NodeConfig, prefix_of
from s2iammask_ros.targets.records import Reason
from s2iammask_ros.targets.targets import Targets

Answer = TypeVar("Answer")
LEFT = "the node left the active state"
LONGEST_STEP = 1.5  # seconds that a step in progress is waited for at the end


class Action(Listener, Protocol):
    """What goes on for as long as the pipeline is open."""

    def end_all(self, text: str) -> None: ...


class Host(Protocol):
    """What a pipeline needs of the node."""

    @property
    def settings(self) -> NodeConfig: ...

    @property
    def tracker_config(self) -> TrackerConfig: ...

    def now(self) -> int: ...

    def say(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def debug(self, text: Callable[[], str]) -> None: ...

    @property
    def ros(self) -> Node: ...

    @property
    def images(self) -> CallbackGroup: ...

    def fail(self, text: str) -> None:
        """Logs an error."""
        ...

    @property
    def actions(self) -> Mapping[str, Action]:
        """Of each camera."""
        ...


class Pipeline:
    """Has publishers and a loaded network; `open` begins to listen and work, `close` ends that."""

    def __init__(self, host: Host, engine: Engine, names: Sequence[str]) -> None:
        self._host, self.engine = host, engine
        topics = (*TOPICS, TF) if host.settings.publish_tf else TOPICS
        self._publishers = {name: TopicPublishers(host.ros, prefix_of(name), topics) for name in names}
        self.cameras: dict[str, Camera] = {}
        self.faults = Faults(engine, self.cameras, host.fail)
        self._subscriptions: dict[str, ImageSubscription] = {}  # by camera
        self._others: list[Any] = []  # subscriptions of rclpy to what comes beside the images
        self._worker: Worker[tuple[Camera, Arrival]] | None = None
        self._reported: dict[str, Counts] = {}

    def open(self) -> None:
        """Listens to the cameras and tracks from now on; counters start at zero."""
        self.cameras |= {
            name: Camera(
                name, Targets(self.engine.tracker()), Outputs(publisher, [self._host.actions[name]]), self
            )
            for name, publisher in self._publishers.items()
        }
        self._worker = Worker(self._work)
        self._worker.start()
        for name in self.cameras:
            self._subscriptions[name] = self._subscribe(name)
            self._others += self._subscribe_others(name)

    def close(self, why: str = LEFT) -> bool:
        """Ends tracking and listening; targets and goals end with that text. False if a step does not end."""
        for subscription in self._subscriptions.values():
            subscription.destroy()
        for other in self._others:
            self._host.ros.destroy_subscription(other)
        self._subscriptions, self._others = {}, []
        ended = self._worker is None or self._worker.stop(LONGEST_STEP)
        self._worker = None
        for camera in self.cameras.values() if ended else ():
            camera.stop([], Reason.DEACTIVATED, why)
        for action in self._host.actions.values():
            action.end_all(why)
        self.cameras.clear()
        return ended

    def destroy(self) -> None:
        for publisher in self._publishers.values():
            publisher.destroy()
        self._publishers.clear()

    @property
    def is_open(self) -> bool:
        return self._worker is not None

    def ask(self, name: str, command: Callable[[Camera], Answer], seconds: float) -> Answer:
        """Runs a command on a camera between two frames; UnavailableError if the pipeline is closed."""
        if self._worker is None:
            raise UnavailableError("the node is not active any more")
        return self._worker.call(lambda: command(self.cameras[name]), seconds)

    def post(self, name: str, command: Callable[[Camera], object]) -> None:
        """The same without an answer, and without waiting for it."""
        if self._worker is None:
            raise UnavailableError("the node is not active any more")
        self._worker.post(lambda: command(self.cameras[name]))

    @property
    def settings(self) -> NodeConfig:
        return self._host.settings

    @property
    def tracker_config(self) -> TrackerConfig:
        return self._host.tracker_config

    def now(self) -> int:
        return self._host.now()

    def say(self, text: str) -> None:
        self._host.say(text)

    def warn(self, text: str) -> None:
        self._host.warn(text)

    def debug(self, text: Callable[[], str]) -> None:
        self._host.debug(text)

    @property
    def topics(self) -> list[str]:
        """Of the images that are subscribed to, after all remapping."""
        return [subscription.topic for subscription in self._subscriptions.values()]

    def survive(self, error: Exception, camera: Camera, frame: HostFrame) -> None:
        self.faults.survive(error, camera, frame, self.settings.device_failure)

    def refresh(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.refresh()

    def reports(self) -> dict[str, Report]:
        """How each camera's stream did since the last call."""
        now = time.monotonic()
        found = {}
        for name, camera in self.cameras.items():
            counts = camera.counters.settle()
            before = self._reported.get(name, Counts())
            self._reported[name] = counts
            found[name] = Report(
                counts,
                before,
                camera.latency.summary(now),
                silence=now - camera.last_came,
                targets=len(camera.targets.known),
                image_bytes=camera.image_bytes,
                period=(camera.counters.period or math.nan) / SECOND,
                hints=camera.hints.counts if camera.hints is not None else None,
                depth=self._depth_report(name),
                transport=self._transport(name),
            )
        return found

    def publish_latency(self, name: str, report: Report, time: Time) -> None:
        publisher, header = self._publishers[name], Header(stamp=time, frame_id=self.cameras[name].frame_id)
        if publisher.wanted(LATENCY):
            publisher.publish(LATENCY, latency_message(report, header))

    def _transport(self, name: str) -> Transport:
        images = self._subscriptions.get(name)  # none yet, while it opens
        return Transport(bool(os.environ.get(PROFILE)), images is not None and images.is_reliable)

    def _depth_report(self, name: str) -> DepthReport | None:
        depths, ros = self.cameras[name].depths, self._host.ros
        if depths is None:
            return None
        topics = [ros.resolve_topic_name(f"{prefix_of(name)}{topic}") for topic in ("depth", "camera_info")]
        depth, info = (Source(topic, ros.count_publishers(topic)) for topic in topics)
        return DepthReport(depth, info, depths.counts, self.settings.depth_tolerance)

    def _subscribe(self, name: str) -> ImageSubscription:
        camera, transport = self.cameras[name], self.settings.image_transport
        topic = f"{prefix_of(name)}image"
        return ImageSubscription(
            self._host.ros,
            topic,
            transport,
            lambda message: self._receive(camera, message),
            self._host.images,
        )

    def _subscribe_others(self, name: str) -> list[Any]:
        """To what the settings ask for beside the images."""
        camera, kinds = self.cameras[name], list[tuple[type[Any], str, Callable[[Any], None]]]()
        if camera.depths is not None:
            kinds += [(Image, "depth", camera.depths.add_depth)]
            kinds += [(CameraInfo, "camera_info", camera.depths.set_camera)]
        if camera.hints is not None:
            kinds += [(Detection2DArray, "hints", camera.hints.add)]
        prefix, qos = prefix_of(name), QoSProfile(depth=10, reliability=RELIABILITY)
        return [
            self._host.ros.create_subscription(
                kind, f"{prefix}{topic}", callback, qos, callback_group=self._host.images
            )
            for kind, topic, callback in kinds
        ]

    def _receive(self, camera: Camera, message: ImageMessage) -> None:
        arrival = camera.receive(message)
        worker = self._worker
        if worker is not None and worker.offer((camera, arrival), camera.name) is not None:
            camera.counters.count("dropped")

    def _work(self, arrivals: Sequence[tuple[Camera, Arrival]]) -> None:
        together.work(arrivals, self.faults, self.settings.join_cameras)
