"""What the node publishes, and what can publish it."""

from dataclasses import dataclass
from typing import Any, Protocol

from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CompressedImage, Image
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2DArray, Detection3DArray, LabelInfo
from visualization_msgs.msg import MarkerArray

from s2iammask.msg import Latency, TrackedObjectArray, TrackEvent


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic below the node's name (and the camera's, if there are several)."""

    name: str
    kind: type[Any]
    depth: int = 10
    latched: bool = False  # late subscribers get the last ones


TRACKS = Topic("tracks", TrackedObjectArray)
DETECTIONS = Topic("detections", Detection2DArray)
MASK = Topic("mask", Image, depth=1)
MASK_VIEW = Topic("mask_view", Image, depth=1)
LABEL_INFO = Topic("label_info", LabelInfo, depth=1, latched=True)
OVERLAY = Topic("overlay", Image, depth=1)
OVERLAY_JPEG = Topic("overlay/compressed", CompressedImage, depth=1)
EVENTS = Topic("events", TrackEvent, depth=100, latched=True)
DETECTIONS_3D = Topic("detections_3d", Detection3DArray)
MARKERS = Topic("markers", MarkerArray)
TARGET_POSE = Topic("target_pose", PoseStamped)
TF = Topic("/tf", TFMessage, depth=100)  # below no name; only published if a parameter asks for it
LATENCY = Topic("latency", Latency)
TOPICS = (
    TRACKS,
    DETECTIONS,
    MASK,
    MASK_VIEW,
    LABEL_INFO,
    OVERLAY,
    OVERLAY_JPEG,
    DETECTIONS_3D,
    MARKERS,
    TARGET_POSE,
    EVENTS,
    LATENCY,
)


class Publisher(Protocol):
    """Publishes on topics: over ROS, or into a bag."""

    def wanted(self, topic: Topic) -> bool: ...

    def publish(self, topic: Topic, message: Any) -> None: ...
