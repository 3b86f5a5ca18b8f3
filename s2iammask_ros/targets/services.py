"""The services and click topics of one camera; what they ask for happens between two frames."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from geometry_msgs.msg import Point, PointStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node

from s2iammask.srv import StartTracking, StopTracking
from s2iammask_core import Box, S2iamMaskError
from s2iammask_ros.messages.stamps import nanoseconds, time_message
from s2iammask_ros.settings import NodeConfig, prefix_of
from s2iammask_ros.targets.records import Candidate, Moment, Verdict
from s2iammask_ros.targets.requests import candidates

LONGEST_WAIT = 30.0  # seconds
THREADS = 2  # that one camera's requests may keep waiting


class Camera(Protocol):
    """What clients can do with a camera."""

    def start(self, candidates: Sequence[Candidate], moment: Moment) -> tuple[int, list[Verdict]]: ...

    def click(self, candidate: Candidate, stamp: int) -> Verdict: ...

    def stop(self, names: Sequence[str]) -> list[str]: ...


class Host(Protocol):
    """Brings requests to the thread that tracks."""

    @property
    def settings(self) -> NodeConfig: ...

    @property
    def max_targets(self) -> int: ...

    def ask(self, name: str, command: Callable[[Camera], Any], seconds: float) -> Any:
        """The answer of a command that runs between two frames; UnavailableError if the node is inactive."""
        ...


class TargetServices:
    """`start_tracking`, `stop_tracking`, `click` and `click_stamped` of one camera.

    Starts and stops wait for their turn each in a thread of its own: rclpy serves what was created first, and
    starts that come faster than frames pass would keep every stop waiting for good.
    """

    def __init__(self, node: Node, host: Host, name: str) -> None:
        prefix = f"~/{prefix_of(name)}"
        self._node, self._host, self._name = node, host, name
        starts, stops = MutuallyExclusiveCallbackGroup(), MutuallyExclusiveCallbackGroup()
        node.create_service(StartTracking, f"{prefix}start_tracking", self._on_start, callback_group=starts)
        node.create_service(StopTracking, f"{prefix}stop_tracking", self._on_stop, callback_group=stops)
        node.create_subscription(Point, f"{prefix}click", self._on_click, 10, callback_group=starts)
        node.create_subscription(
            PointStamped, f"{prefix}click_stamped", self._on_click_stamped, 10, callback_group=starts
        )

    def _on_start(
        self, request: StartTracking.Request, response: StartTracking.Response
    ) -> StartTracking.Response:
        try:
            limit = self._host.settings.max_megapixels
            wanted = candidates(request, self._host.max_targets, limit)
            moment = Moment(nanoseconds(request.stamp))
            stamp, verdicts = self._host.ask(
                self._name, lambda camera: camera.start(wanted, moment), LONGEST_WAIT
            )
        except Exception as error:
            return _refused(response, reason_of(error), len(request.boxes))
        return _answered(response, moment.stamp, stamp, verdicts)

    def _on_stop(
        self, request: StopTracking.Request, response: StopTracking.Response
    ) -> StopTracking.Response:
        try:
            names = list(request.ids)
            response.ids = self._host.ask(self._name, lambda camera: camera.stop(names), LONGEST_WAIT)
        except Exception as error:
            response.message = reason_of(error)
            return response
        response.success = True
        response.message = (
            f"stopped {', '.join(response.ids)}" if response.ids else "there was nothing to stop"
        )
        return response

    def _on_click(self, point: Point) -> None:
        self._click(point, 0)

    def _on_click_stamped(self, point: PointStamped) -> None:
        self._click(point.point, nanoseconds(point.header.stamp))

    def _click(self, point: Point, stamp: int) -> None:
        size = self._host.settings.click_size
        try:
            wanted = Candidate(Box.from_center(point.x, point.y, size, size))
            verdict = self._host.ask(self._name, lambda camera: camera.click(wanted, stamp), LONGEST_WAIT)
        except Exception as error:
            verdict = Verdict("", reason_of(error))
        what = f"what was clicked at ({point.x:.0f}, {point.y:.0f})"
        if verdict.id:
            self._node.get_logger().info(f"{what} is tracked as {verdict.id}")
        else:
            self._node.get_logger().warning(f"{what} is not tracked: {verdict.reason}")


def _answered(
    response: StartTracking.Response, wanted: int, stamp: int, verdicts: Sequence[Verdict]
) -> StartTracking.Response:
    started = [verdict.id for verdict in verdicts if verdict.id]
    response.success = len(started) == len(verdicts)
    response.message = f"{len(started)} of {len(verdicts)} targets started{_elsewhere(wanted, stamp)}"
    response.stamp = time_message(stamp if started else 0)
    response.ids = [verdict.id for verdict in verdicts]
    response.reasons = [verdict.reason for verdict in verdicts]
    return response


def _elsewhere(wanted: int, stamp: int) -> str:
    if wanted in (0, stamp):
        return ""
    side = "later" if stamp > wanted else "earlier"
    return f", in the nearest image, {abs(stamp - wanted) / 1e6:.1f} ms {side}"


def _refused(response: StartTracking.Response, reason: str, count: int) -> StartTracking.Response:
    response.message = reason
    response.ids, response.reasons = [""] * min(count, 1024), [reason] * min(count, 1024)
    return response


def reason_of(error: Exception) -> str:
    return str(error) if isinstance(error, S2iamMaskError) else f"{type(error).__name__}: {error}"
