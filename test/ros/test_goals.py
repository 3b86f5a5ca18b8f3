"""The action: an object is tracked for as long as a goal runs."""

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image

from s2iammask.action import TrackObject
from s2iammask.msg import TrackedObject, TrackedObjectArray
from s2iammask_ros.messages.arrays import byte_array
from s2iammask_ros.messages.stamps import nanoseconds, time_message

Why = TrackObject.Result


class Running:
    """A goal as its client sees it."""

    def __init__(self, world, client, **goal):
        self.world, self.heard = world, []
        sent = client.send_goal_async(
            TrackObject.Goal(**goal), lambda message: self.heard.append(message.feedback)
        )
        world.spin_until(sent.done)
        self.handle = sent.result()
        assert self.handle.accepted
        self._end = self.handle.get_result_async()

    def cancel(self):
        answer = self.handle.cancel_goal_async()
        self.world.spin_until(answer.done)
        return answer.result()

    def end(self, attempt=lambda: None):
        """Its last status and result, once it has ended."""
        self.world.spin_until(self._end.done, attempt)
        return self._end.result().status, self._end.result().result

    @property
    def runs(self):
        return not self._end.done()


@pytest.fixture
def goals(world):
    """Sends goals."""
    clients = {}

    def send(node="tracker", **goal):
        if node not in clients:
            clients[node] = ActionClient(world.robot, TrackObject, f"{node}/track_object")
            world.spin_until(clients[node].server_is_ready)
        return Running(world, clients[node], **goal)

    yield send
    for client in clients.values():
        client.destroy()


@pytest.fixture
def watching(world, make_node, scene, colours):
    """A node that sees a red and a green rectangle, and what shows them once more."""

    def begin(**parameters):
        node, camera = make_node(**parameters), world.camera()
        frame = scene((100, 80, 60, 40, colours[0]), (200, 150, 50, 50, colours[1]))
        world.spin_until(lambda: node.counts().received, lambda: camera.show(frame))
        return node, lambda: camera.show(frame)

    return begin


@pytest.fixture
def set_clock(world):
    """Sets the simulated time of a node, in seconds."""
    publisher = world.robot.create_publisher(Clock, "/clock", 1)

    def set_(node, seconds):
        message = Clock(clock=time_message(seconds * 1_000_000_000))
        world.spin_until(lambda: node.now() == seconds * 1_000_000_000, lambda: publisher.publish(message))
        node.actions[""].check()

    return set_


def known(node):
    return {target.name for target in node.pipeline.cameras[""].targets.known.values()}


def test_a_goal_tells_where_its_object_is_until_it_is_cancelled(world, watching, goals, box):
    node, show = watching()
    goal = goals(box=box(100, 80, 60, 40), id="cup", label="a red thing")

    world.spin_until(lambda: len(goal.heard) > 2, show)
    seen = goal.heard[-1]
    assert (seen.id, seen.state, seen.pose_known) == ("cup", TrackedObject.TRACKING, False)
    assert seen.confidence > 0.5
    assert seen.header.frame_id == "camera_optical"
    assert seen.box.center.position.x == pytest.approx(130, abs=4)
    assert goal.handle.status == GoalStatus.STATUS_EXECUTING

    assert len(goal.cancel().goals_canceling) == 1
    status, result = goal.end(show)
    assert (status, result.reason, result.id) == (GoalStatus.STATUS_CANCELED, Why.CANCELLED, "cup")
    assert nanoseconds(result.last_seen) >= nanoseconds(seen.header.stamp)
    assert not known(node)


def test_goals_run_side_by_side_and_end_apart(world, watching, goals, box):
    node, show = watching()
    red, green = goals(box=box(100, 80, 60, 40), id="red"), goals(box=box(200, 150, 50, 50), id="green")
    world.spin_until(lambda: red.heard and green.heard, show)

    red.cancel()
    red.end(show)

    before = len(green.heard)
    world.spin_until(lambda: len(green.heard) > before, show)
    assert green.runs
    assert known(node) == {"green"}


def test_a_goal_without_a_size_is_a_click(world, watching, goals, box):
    node, show = watching(click_size=50.0)
    later = world.robot.get_clock().now().nanoseconds + 1_000_000

    goal = goals(box=box(130, 100, 0, 0), stamp=time_message(later))

    world.spin_until(lambda: goal.heard, show)
    assert known(node) == {goal.heard[0].id}


@pytest.mark.parametrize(
    ("goal", "reason"),
    [
        ({"size": (2, 2)}, "too small"),
        ({"size": (60, 40), "stamp": 77}, "no image with stamp"),
        ({"size": (60, 40), "id": "taken"}, "is taken"),
    ],
)
def test_what_cannot_be_tracked_is_aborted_with_the_reason(world, watching, goals, box, goal, reason):
    node, _ = watching()
    world.start(boxes=[box(200, 150, 50, 50)], ids=["taken"])

    stamp = time_message(goal.get("stamp", 0) * 1_000_000_000)
    refused = goals(box=box(100, 80, *goal["size"]), stamp=stamp, id=goal.get("id", ""))

    status, result = refused.end()
    assert (status, result.reason, result.id) == (GoalStatus.STATUS_ABORTED, Why.REFUSED, "")
    assert reason in result.text
    assert known(node) == {"taken"}


def test_an_inactive_node_refuses_and_says_how_to_activate_it(world, make_node, goals, box):
    make_node(autostart=False)

    status, result = goals(box=box(100, 80, 60, 40)).end()

    assert (status, result.reason) == (GoalStatus.STATUS_ABORTED, Why.REFUSED)
    assert "ros2 lifecycle set /tracker configure" in result.text


def test_a_target_that_another_client_stops_has_succeeded(world, watching, goals, box):
    _, show = watching()
    goal = goals(box=box(100, 80, 60, 40), id="cup")
    world.spin_until(lambda: goal.heard, show)

    assert world.stop("cup").success

    status, result = goal.end()
    assert (status, result.reason) == (GoalStatus.STATUS_SUCCEEDED, Why.STOPPED)


def test_goals_are_aborted_when_the_node_is_deactivated(world, watching, goals, box):
    node, show = watching()
    goal = goals(box=box(100, 80, 60, 40), id="cup")
    world.spin_until(lambda: goal.heard, show)

    node.trigger_deactivate()

    status, result = goal.end()
    assert (status, result.reason) == (GoalStatus.STATUS_ABORTED, Why.ENDED)
    assert "left the active state" in result.text


def test_goals_are_aborted_when_the_images_get_another_shape(world, watching, goals, box, scene):
    _, show = watching()
    goal = goals(box=box(100, 80, 60, 40), id="cup")
    world.spin_until(lambda: goal.heard, show)
    camera = world.camera()

    status, result = goal.end(lambda: camera.show(scene(height=100, width=320)))

    assert (status, result.reason) == (GoalStatus.STATUS_ABORTED, Why.ENDED)
    assert "320 x 100" in result.text


def test_an_object_that_is_lost_for_too_long_ends_its_goal(world, watching, goals, box, scene):
    node, show = watching()
    goal = goals(box=box(100, 80, 60, 40), id="cup", lost_timeout=0.3)
    world.spin_until(lambda: goal.heard, show)
    camera = world.camera()

    status, result = goal.end(lambda: camera.show(scene()))

    assert (status, result.reason) == (GoalStatus.STATUS_ABORTED, Why.LOST)
    lost = [each for each in goal.heard if each.state == TrackedObject.LOST]
    assert lost
    assert nanoseconds(result.last_seen) < nanoseconds(lost[0].header.stamp)
    assert not known(node)


def test_a_camera_that_sends_nothing_for_too_long_ends_the_goal(world, watching, goals, box, set_clock):
    node, show = watching(use_sim_time=True)
    set_clock(node, 100)
    goal = goals(box=box(100, 80, 60, 40), id="cup", lost_timeout=5.0)
    world.spin_until(lambda: goal.heard, show)

    set_clock(node, 104)
    before = len(goal.heard)
    world.spin_until(lambda: len(goal.heard) > before, show)  # what ends goals comes before images
    assert goal.runs

    set_clock(node, 110)
    status, result = goal.end()
    assert (status, result.reason) == (GoalStatus.STATUS_ABORTED, Why.LOST)
    assert "no image was tracked for 5 s" in result.text
    assert not known(node)


def test_an_object_that_is_lost_when_its_camera_dies_ends_its_goal(
    world, watching, goals, box, scene, set_clock
):
    node, show = watching(use_sim_time=True)
    set_clock(node, 100)
    goal = goals(box=box(100, 80, 60, 40), id="cup", lost_timeout=60.0)
    world.spin_until(lambda: goal.heard, show)
    camera = world.camera()
    world.spin_until(lambda: goal.heard[-1].state == TrackedObject.LOST, lambda: camera.show(scene()))

    set_clock(node, 160)

    status, result = goal.end()
    assert (status, result.reason) == (GoalStatus.STATUS_ABORTED, Why.LOST)
    assert "it was lost for 60 s" in result.text


def test_time_that_begins_or_jumps_back_ends_no_goal(world, watching, goals, box, set_clock):
    node, show = watching(use_sim_time=True)
    goal = goals(box=box(100, 80, 60, 40), id="cup", lost_timeout=5.0)
    world.spin_until(lambda: goal.heard, show)

    for seconds in (100, 20, 24):
        set_clock(node, seconds)

    before = len(goal.heard)
    world.spin_until(lambda: len(goal.heard) > before, show)
    assert goal.runs


def test_with_depth_the_feedback_has_a_pose(world, make_node, goals, box, scene, colours):
    make_node(depth=True)
    camera = world.camera()
    depth = world.robot.create_publisher(Image, "depth", 5)
    camera_info = world.robot.create_publisher(CameraInfo, "camera_info", 5)
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    pinhole = CameraInfo(height=240, width=320, k=[400.0, 0.0, 159.5, 0.0, 400.0, 119.5, 0.0, 0.0, 1.0])
    far = byte_array(np.full((240, 320), 2.0, "<f4"))
    metres = Image(height=240, width=320, step=1280, encoding="32FC1", data=far)

    def show():
        camera_info.publish(pinhole)
        stamp = world.robot.get_clock().now().nanoseconds
        metres.header.stamp = time_message(stamp)
        depth.publish(metres)
        camera.show(scene((100, 80, 60, 40, colours[0])), stamp)

    world.spin_until(lambda: tracks, show)
    goal = goals(box=box(100, 80, 60, 40))

    world.spin_until(lambda: any(each.pose_known for each in goal.heard), show)
    pose = next(each.pose for each in goal.heard if each.pose_known)
    assert pose.position.z == pytest.approx(2.0)


def test_each_camera_has_an_action_of_its_own(world, make_node, goals, box, scene, colours):
    node = make_node(cameras=["front", "rear"])
    front = world.camera("front/image")
    frame = scene((100, 80, 60, 40, colours[0]))
    world.spin_until(lambda: node.counts("front").received, lambda: front.show(frame))

    goal = goals(node="tracker/front", box=box(100, 80, 60, 40), id="cup")

    world.spin_until(lambda: goal.heard, lambda: front.show(frame))
    status, result = goals(node="tracker/rear", box=box(100, 80, 60, 40)).end()
    assert (status, result.reason) == (GoalStatus.STATUS_ABORTED, Why.REFUSED)
