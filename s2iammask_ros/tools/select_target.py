"""A window in which a box can be drawn: ros2 run s2iammask select_target --ros-args -r image:=TOPIC.

Drag a box around an object: the live image stands still meanwhile, and tracking starts in that image. What is
tracked is drawn on the image that it belongs to. Keys: x stops all targets, q ends.
Parameter image_transport: raw or compressed, as that of the tracker.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import rclpy
import rclpy.utilities
from numpy.typing import NDArray
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # Humble has both here only
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from s2iammask.msg import TrackedObjectArray
from s2iammask.srv import StartTracking, StopTracking
from s2iammask_core import Box, RotatedBox, S2iamMaskError, TrackState
from s2iammask_core.errors import FrameError
from s2iammask_core.overlay import GREY, colour_of
from s2iammask_core.page.pictures import Picture, Seen, outlines
from s2iammask_ros.images.subscription import ImageSubscription
from s2iammask_ros.messages.boxes import rotated_to_message
from s2iammask_ros.messages.stamps import time_message
from s2iammask_ros.page.pairing import Pairing

WINDOW = "select_target"
SMALLEST = 4  # pixels; a smaller drag is a slip
YELLOW = (0, 220, 255)  # BGR
TRANSPORTS = ("raw", "compressed")
REFRESH = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Drag:
    """A box on its way: from where the button was pressed to where the pointer is."""

    begin: tuple[int, int]
    end: tuple[int, int]

    @property
    def box(self) -> Box:
        """Around both pixels, whichever way was dragged."""
        (x1, y1), (x2, y2) = self.begin, self.end
        return Box(float(min(x1, x2)), float(min(y1, y2)), float(max(x1, x2) + 1), float(max(y1, y2) + 1))

    @property
    def is_slip(self) -> bool:
        return min(self.box.width, self.box.height) < SMALLEST


class Selector(Node):
    """Keeps the newest image with what is tracked in it, or the one on which a box is being drawn."""

    def __init__(self, **options: Any) -> None:
        super().__init__("select_target", **options)
        self.drag: Drag | None = None
        self.shown: Picture | None = None
        self.message = "drag a box around an object"
        self._pixels: NDArray[np.uint8] | None = None  # of the shown one, with what is tracked
        self._colours: dict[str, int] = {}
        self._pairing = Pairing(self._show)
        transport = self.declare_parameter("image_transport", "raw").value
        if transport not in TRANSPORTS:
            raise S2iamMaskError(f"image_transport must be one of {', '.join(TRANSPORTS)}, got {transport!r}")
        self._images = ImageSubscription(
            self, "image", transport, self._on_image, self.default_callback_group
        )
        self.create_subscription(TrackedObjectArray, "tracker/tracks", self._on_tracks, 10)
        # the reliability of a camera that comes later may not fit
        self.create_timer(REFRESH, self._images.refresh, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._start = self.create_client(StartTracking, "tracker/start_tracking")
        self._stop = self.create_client(StopTracking, "tracker/stop_tracking")

    def on_mouse(self, event: int, x: int, y: int, _flags: int, _data: Any) -> None:
        """What OpenCV calls for each movement and button."""
        if event == cv2.EVENT_LBUTTONDOWN:
            self.drag = Drag((x, y), (x, y))
        elif self.drag is not None and event == cv2.EVENT_MOUSEMOVE:
            self.drag = replace(self.drag, end=(x, y))
        elif self.drag is not None and event == cv2.EVENT_LBUTTONUP:
            drag, self.drag = replace(self.drag, end=(x, y)), None
            if not drag.is_slip:
                self.start(drag.box)

    def start(self, box: Box) -> None:
        """Starts tracking in the image that is shown."""
        if self.shown is None:
            return
        wanted = [rotated_to_message(RotatedBox.from_box(box))]
        self._ask(self._start, StartTracking.Request(boxes=wanted, stamp=time_message(self.shown.stamp)))

    def stop(self) -> None:
        self._ask(self._stop, StopTracking.Request())

    def picture(self) -> NDArray[np.uint8]:
        """What the window shows, BGR."""
        if self._pixels is None:
            picture = np.full((240, 480, 3), 60, np.uint8)
            return _written(picture, f"waiting for {self._images.topic}")
        picture = self._pixels.copy()
        if self.drag is not None:
            cv2.rectangle(picture, self.drag.begin, self.drag.end, YELLOW, 2)
        return _written(picture, self.message)

    def _on_image(self, image: Image | CompressedImage) -> None:
        self._try(lambda: self._pairing.add_image(image))

    def _on_tracks(self, tracks: TrackedObjectArray) -> None:
        self._try(lambda: self._pairing.add_tracks(tracks))

    def _try(self, action: Callable[[], None]) -> None:
        """What is wrong with an image is said in the window, and the next one is looked at."""
        try:
            action()
        except FrameError as error:
            self.message = str(error)

    def _show(self, picture: Picture) -> None:
        if self.drag is not None:
            return
        pixels = cv2.cvtColor(np.ascontiguousarray(picture.frame()), cv2.COLOR_RGB2BGR)
        for seen in picture.seen:
            _draw(pixels, seen, colour_of(self._colours.setdefault(seen.id, len(self._colours))))
        self.shown, self._pixels = picture, np.asarray(pixels, np.uint8)

    def _ask(self, client: Any, request: Any) -> None:
        """Not of a service that is not there: it would never answer, and the window would say nothing."""
        if client.service_is_ready():
            client.call_async(request).add_done_callback(self._on_answer)
        else:
            self.message = f"there is no tracker: nobody serves {self.resolve_service_name(client.srv_name)}"

    def _on_answer(self, call: Any) -> None:
        answer = call.result()
        refused = [reason for reason in getattr(answer, "reasons", ()) if reason]
        self.message = "; ".join(refused) or answer.message
        self.get_logger().info(self.message)


def _draw(picture: Any, seen: Seen, rgb: tuple[int, int, int]) -> None:
    """Its outline and its name; where it was last seen, in grey, while it is lost."""
    lost = seen.state is TrackState.LOST
    colour = (GREY if lost else rgb)[::-1]
    shapes = [np.reshape(outline, (-1, 1, 2)) for outline in ([] if lost else outlines(seen.mask))]
    corners = np.rint(seen.box.corners).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(picture, shapes or [corners], True, colour, 2, cv2.LINE_AA)
    place = (int(corners[..., 0].min()), max(int(corners[..., 1].min()) - 6, 12))
    text = f"{seen.label or seen.id} {seen.state.value} {seen.confidence:.2f}"
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)


def _written(picture: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    place = (8, picture.shape[0] - 10)
    # on a bar, and not with an outline: the widths of strokes differ between versions of OpenCV
    cv2.rectangle(picture, (0, place[1] - 18), (picture.shape[1], picture.shape[0]), (0, 0, 0), cv2.FILLED)
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, YELLOW, 1, cv2.LINE_AA)
    return picture


def main() -> int:
    rclpy.init()
    try:
        return _run()
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except (S2iamMaskError, cv2.error) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    finally:
        rclpy.utilities.try_shutdown()


def _run() -> int:
    node = Selector()
    try:
        _open_window(node)
        while _shown(node):
            rclpy.spin_once(node, timeout_sec=0.02)
    finally:
        node.destroy_node()
    return 0


def _open_window(node: Selector) -> None:
    try:
        cv2.namedWindow(WINDOW, cv2.WINDOW_AUTOSIZE)
    except cv2.error as error:
        raise S2iamMaskError(
            "this OpenCV has no windows (opencv-python-headless has none): install python3-opencv, or "
            "opencv-python in its place; or click in Foxglove or rqt_image_view (docs/ros.md)"
        ) from error
    cv2.setMouseCallback(WINDOW, node.on_mouse)


def _shown(node: Selector) -> bool:
    """Draws the window; False when it shall close, or was closed: drawing would open one without a mouse."""
    cv2.imshow(WINDOW, node.picture())
    key = cv2.waitKey(1) & 0xFF
    if key == ord("x"):
        node.stop()
    return key != ord("q") and cv2.getWindowProperty(WINDOW, cv2.WND_PROP_VISIBLE) >= 1


if __name__ == "__main__":
    sys.exit(main())
