"""The action of one camera: an object is tracked for as long as a goal runs."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Protocol

from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # Humble has both here only
from rclpy.node import Node

from s2iammask.action import TrackObject
from s2iammask_core import Box, RotatedBox, TrackState
from s2iammask_core.errors import UnavailableError
from s2iammask_ros.camera import Camera
from s2iammask_ros.goal_server import GoalServer
from s2iammask_ros.images.depth import place_of
from s2iammask_ros.messages.boxes import rotated_from_message, rotated_to_message
from s2iammask_ros.messages.stamps import SECOND, nanoseconds, time_message
from s2iammask_ros.messages.states import STATES
from s2iammask_ros.outputs.outputs import Result
from s2iammask_ros.outputs.spatial import surface_pose
from s2iammask_ros.settings import NodeConfig, prefix_of
from s2iammask_ros.targets.records import Candidate, Change, Moment, Reason, Tracked, Verdict
from s2iammask_ros.targets.services import reason_of

Why = TrackObject.Result  # its constants are the reasons for an end
CHECK_PERIOD = 0.2  # seconds


class Host(Protocol):
    """Brings what goals ask for to the thread that tracks."""

    @property
    def settings(self) -> NodeConfig: ...

    def now(self) -> int:
        """Nanoseconds on the node's clock."""
        ...

    def warn(self, text: str) -> None: ...

    def post(self, name: str, command: Callable[[Camera], object]) -> None:
        """Has it run between two frames, and waits for nothing; UnavailableError if the node is inactive."""
        ...


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal whose object is tracked."""

    handle: ServerGoalHandle
    id: str
    last_seen: int  # stamp of an image, nanoseconds
    since: int = 0  # nanoseconds on the node's clock: when it was last heard to be seen, or first to be lost
    lost: bool = False
    ending: int = 0  # why it was asked to end, if it was
    text: str = ""


class TrackAction:
    """`track_object`. Goals begin and end on the thread that tracks; cancelling one stops its object."""

    def __init__(self, node: Node, host: Host, name: str) -> None:
        self._host, self._name = host, name
        self._running: dict[str, Goal] = {}  # by the id of the object
        self._lock = Lock()  # for _running
        self._server = GoalServer(node, f"~/{prefix_of(name)}track_object", self._accept, self._cancel)
        # the timer's clock is not the node's: with use_sim_time that may jump
        steady, group = Clock(clock_type=ClockType.STEADY_TIME), MutuallyExclusiveCallbackGroup()
        self._timer = node.create_timer(CHECK_PERIOD, self.check, callback_group=group, clock=steady)

    def destroy(self) -> None:
        self._timer.cancel()
        self._server.destroy()

    def follow(self, result: Result) -> None:
        """Feedback about an image; an object that is lost for longer than its goal allows is stopped."""
        stamp = nanoseconds(result.header.stamp)
        for each in result.tracked:
            goal = self._heard_of(each, stamp)
            if goal is None:
                continue
            if not result.late:  # it would be taken for where things are
                goal.handle.publish_feedback(_feedback(each, result))
            if goal.lost:
                self._end_if_over(goal, stamp - each.since)

    def check(self) -> None:
        """The same by the node's clock: images, which have the time of the camera, may not come any more."""
        now = self._host.now()
        with self._lock:
            running = list(self._running.values())
        for goal in running:
            if 0 < goal.since <= now:
                with suppress(UnavailableError):  # then its end is near anyway
                    self._end_if_over(goal, now - goal.since)
            else:  # simulated time began, or jumped back
                self._replace(goal, since=now)

    def tell(self, change: Change) -> None:
        """Ends the goal of a target that was stopped."""
        if change.after is not None:
            return
        with self._lock:
            goal = self._running.pop(change.id, None)
        if goal is not None:
            asked = Why.STOPPED if change.reason is Reason.STOPPED else Why.ENDED
            self._end(goal, goal.ending or asked, goal.text or change.text)

    def end_all(self, text: str) -> None:
        """For a thread that does not track any more."""
        with self._lock:
            left, self._running = list(self._running.values()), {}
        for goal in left:
            self._end(goal, Why.ENDED, text)

    def _accept(self, handle: ServerGoalHandle) -> None:
        """A goal that cannot be is accepted all the same: a rejection cannot say why."""
        try:
            self._host.post(self._name, lambda camera: self._begin(camera, handle))
        except Exception as error:
            self._refuse(handle, reason_of(error))

    def _begin(self, camera: Camera, handle: ServerGoalHandle) -> None:
        if handle.is_cancel_requested:
            self._end(Goal(handle, "", 0), Why.CANCELLED, "it was cancelled before it was tracked")
            return
        try:
            stamp, verdict = self._start(camera, handle.request)
        except Exception as error:
            self._refuse(handle, reason_of(error))
            return
        if not verdict.id:
            self._refuse(handle, verdict.reason)
            return
        with self._lock:
            self._running[verdict.id] = Goal(handle, verdict.id, stamp, self._host.now())
        if handle.is_cancel_requested:  # while it began
            self._cancel()

    def _start(self, camera: Camera, request: Any) -> tuple[int, Verdict]:
        """The stamp of the image that it begins in, and what became of it."""
        position, clicked = request.box.center.position, request.box.size_x == request.box.size_y == 0
        side = self._host.settings.click_size
        target: Box | RotatedBox = (
            Box.from_center(position.x, position.y, side, side)
            if clicked
            else rotated_from_message(request.box)
        )
        moment = Moment(nanoseconds(request.stamp), clicked)
        stamp, (verdict,) = camera.start([Candidate(target, request.id, request.label)], moment)
        return stamp, verdict

    def _cancel(self) -> None:
        """Stops what was asked to be cancelled."""
        with self._lock:
            goals = [goal for goal in self._running.values() if goal.handle.is_cancel_requested]
        for goal in goals:
            self._ask_to_end(goal, Why.CANCELLED, "it was cancelled")

    def _heard_of(self, tracked: Tracked, stamp: int) -> Goal | None:
        """The goal of an object, after what an image says of it was noted; None if it has none."""
        lost = tracked.track.state is TrackState.LOST
        with self._lock:
            goal = self._running.get(tracked.id)
        if goal is None or (goal.lost and lost):
            return goal
        seen = goal.last_seen if lost else stamp
        return self._replace(goal, lost=lost, last_seen=seen, since=self._host.now())

    def _replace(self, goal: Goal, **values: Any) -> Goal | None:
        """The goal with other values; None if it has ended meanwhile."""
        with self._lock:
            if goal.id not in self._running:
                return None
            changed = self._running[goal.id] = replace(self._running[goal.id], **values)
            return changed

    def _end_if_over(self, goal: Goal, passed: int) -> None:
        allowed = goal.handle.request.lost_timeout
        if 0 < allowed * SECOND <= passed:
            lost = f"it was lost for {allowed:.3g} s"
            silent = f"no image was tracked for {allowed:.3g} s: is the camera still publishing?"
            self._ask_to_end(goal, Why.LOST, lost if goal.lost else silent)

    def _ask_to_end(self, goal: Goal, reason: int, text: str) -> None:
        with self._lock:
            if goal.id not in self._running or self._running[goal.id].ending:
                return
            self._running[goal.id] = replace(goal, ending=reason, text=text)
        self._host.post(self._name, lambda camera: self._stop(camera, goal.id, text))

    def _stop(self, camera: Camera, name: str, text: str) -> None:
        with self._lock:
            runs = name in self._running
        if runs:  # and was not stopped meanwhile by somebody else
            camera.stop([name], text=text)

    def _refuse(self, handle: ServerGoalHandle, text: str) -> None:
        self._host.warn(f"a goal of track_object is refused: {text}")
        self._end(Goal(handle, "", 0), Why.REFUSED, text)

    def _end(self, goal: Goal, reason: int, text: str) -> None:
        result = Why(reason=reason, text=text, id=goal.id, last_seen=time_message(goal.last_seen))
        self._server.end(goal.handle, result)


def _feedback(tracked: Tracked, result: Result) -> Any:
    track = tracked.track
    place = None
    if result.view is not None and track.state is not TrackState.LOST:
        place = place_of(track.mask, result.view)
    feedback = TrackObject.Feedback(
        header=result.header,
        id=tracked.id,
        state=STATES[track.state],
        confidence=float(track.confidence),
        box=rotated_to_message(track.rotated_box),
        pose_known=place is not None,
    )
    if place is not None:
        feedback.pose = surface_pose(place)
    return feedback
