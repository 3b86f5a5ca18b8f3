"""What the node needs beside the core's settings; each is a ROS parameter of the same name."""

import re
from dataclasses import dataclass

from s2iammask_core.config import Checked, setting
from s2iammask_core.errors import ConfigError

CAMERA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class NodeConfig(Checked):
    """How images come in, how long they are kept, and what happens when something fails."""

    weights: str = setting(
        "",
        "weights file, exported folder, or a name of the package: s2iammask (if empty)",
    )
    autostart: bool = setting(True, "configure and activate without being asked")
    cameras: tuple[str, ...] = setting(
        ("",),
        "names of several cameras, each with topics of its own below its name; an empty name: one camera",
    )
    join_cameras: bool = setting(
        True,
        "images of several cameras that wait go through the network as one batch; off: one after another, "
        "so that the first is answered sooner",
        live=True,
    )
    mask_encoding: str = setting(
        "mono8",
        "masks in `tracks`: mono8 images of their regions, or rle, runs that take a fraction of the bytes",
        choices=("mono8", "rle"),
        live=True,
    )
    image_transport: str = setting(
        "raw",
        "raw: sensor_msgs/Image on `image`; compressed: CompressedImage on `image/compressed`",
        choices=("raw", "compressed"),
    )
    max_age: float = setting(
        1.0,
        "oldest image that is still tracked, seconds from its stamp to its turn; answers that become older "
        "than that are marked as late; 0: any age",
        0.0,
        3600.0,
        live=True,
    )
    search_budget: float = setting(
        0.03,
        "time that an image may take longer for the search for lost targets, seconds; with less, those that "
        "are tracked keep their rate, and lost ones are found later; 0: no limit",
        0.0,
        10.0,
        live=True,
    )
    max_megapixels: float = setting(64.0, "largest image that is read, megapixels", 0.01, 1000.0)
    history_seconds: float = setting(
        2.0, "how long images are kept, for starts in the past, seconds", 0.0, 60.0
    )
    history_megabytes: float = setting(256.0, "most memory for the kept images, megabytes", 0.0, 65536.0)
    catch_up_steps: int = setting(
        10,
        "most images tracked to catch up from a start in the past; others between are skipped",
        1,
        1000,
        live=True,
    )
    size_change: str = setting(
        "rescale",
        "when the image size changes: rescale the targets (if the aspect stays) or stop them",
        choices=("rescale", "stop"),
        live=True,
    )
    device_failure: str = setting(
        "cpu",
        "when the device fails or its memory is full: go on with the CPU, half of the targets, or not at all",
        choices=("cpu", "fewer", "stop"),
        live=True,
    )
    min_rate: float = setting(
        5.0,
        "images tracked a second below which diagnostics warn if more come, images a second; 0: never",
        0.0,
        1000.0,
        live=True,
    )
    latency_warn: float = setting(
        0.2, "p95 from stamp to publish above which diagnostics warn, seconds", 0.0, 60.0, live=True
    )
    latency_error: float = setting(1.0, "the same for an error, seconds", 0.0, 60.0, live=True)
    report_period: float = setting(
        1.0, "time between two diagnostics and latency messages, seconds", 0.05, 60.0
    )
    depth: bool = setting(
        False, "subscribe to `depth` (registered to the image) and `camera_info`, and publish detections_3d"
    )
    depth_tolerance: float = setting(
        0.02, "largest difference of the stamps of an image and its depth, seconds", 0.0, 10.0
    )
    publish_tf: bool = setting(False, "with depth: broadcast a frame target/ID for each target that is seen")
    pose_target: str = setting(
        "",
        "id of the target whose pose is published on target_pose; empty: the first one that has a place",
        live=True,
    )
    hints: bool = setting(
        False, "subscribe to `hints`, boxes of a detector, and look for lost targets there too"
    )
    hint_age: float = setting(
        0.5, "largest difference of the stamps of an image and its hints, seconds", 0.0, 60.0, live=True
    )
    click_size: float = setting(
        64.0, "side of the box around a clicked point, pixels", 4.0, 4096.0, live=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.cameras or len(set(self.cameras)) < len(self.cameras):
            raise ConfigError(f"cameras must be distinct names, at least one; got {list(self.cameras)}")
        wrong = [name for name in self.cameras if not CAMERA_NAME.fullmatch(name)]
        if wrong and self.cameras != ("",):
            raise ConfigError(f"a camera name has letters, digits and _ only; got {wrong[0]!r}")


def prefix_of(camera: str) -> str:
    """What the names of a camera's topics and services begin with; nothing for the one without a name."""
    return f"{camera}/" if camera else ""
