"""Targets by click, and starts in images of the past."""

import re

import pytest
from geometry_msgs.msg import Point, PointStamped
from rcl_interfaces.msg import Log

from s2iammask.msg import TrackedObjectArray, TrackEvent
from s2iammask_ros.messages.stamps import nanoseconds, time_message

SECOND = 1_000_000_000


@pytest.fixture
def clicked(world, make_node, scene, colours):
    """A camera on a red rectangle, and clicks with a stamp."""

    def begin(**parameters):
        node = make_node(click_size=50.0, **parameters)
        camera, frame = world.camera(), scene((100, 80, 60, 40, colours[0]))
        click = world.robot.create_publisher(PointStamped, "tracker/click_stamped", 1)
        world.spin_until(
            lambda: node.counts().received and click.get_subscription_count(), lambda: camera.show(frame)
        )

        def at(x, y, stamp):
            point = PointStamped(point=Point(x=x, y=y))
            point.header.stamp = time_message(stamp)
            click.publish(point)

        return node, lambda: camera.show(frame), at

    return begin


def test_a_clicked_point_is_tracked(world, make_node, scene, colours):
    node = make_node(click_size=50.0)
    camera = world.camera()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    click = world.robot.create_publisher(Point, "tracker/click", 1)
    frame = scene((100, 80, 60, 40, colours[0]))
    world.spin_until(
        lambda: node.counts().received and click.get_subscription_count(), lambda: camera.show(frame)
    )

    click.publish(Point(x=130.0, y=100.0))
    world.spin_until(lambda: tracks and tracks[-1].objects, lambda: camera.show(frame))

    assert tracks[-1].objects[0].box.center.position.x == pytest.approx(130, abs=5)


def test_a_click_can_name_its_image(world, make_node, scene, colours):
    node = make_node(click_size=50.0, history_seconds=20.0)
    camera = world.camera()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    click = world.robot.create_publisher(PointStamped, "tracker/click_stamped", 1)
    world.spin_until(lambda: node.pipeline and node.pipeline.cameras and click.get_subscription_count())
    stamps = []
    for x in (100, 112, 124, 136):
        before = node.counts().received
        world.spin_until(
            lambda before=before: node.counts().received > before,
            lambda x=x: (
                stamps.append(camera.show(scene((x, 80, 60, 40, colours[0])))) if len(stamps) < 50 else None
            ),
        )

    point = PointStamped(point=Point(x=130.0, y=100.0))
    point.header.stamp = time_message(node.pipeline.cameras[""].history.between(0, stamps[-1])[0].stamp)
    click.publish(point)
    now = []
    world.spin_until(
        lambda: now and any(each.objects and nanoseconds(each.header.stamp) in now for each in tracks),
        lambda: now.append(camera.show(scene((148, 80, 60, 40, colours[0])))),
    )

    first = next(each for each in tracks if each.objects and nanoseconds(each.header.stamp) in now)
    assert first.objects[0].box.center.position.x == pytest.approx(178, abs=6)


def test_a_click_on_nothing_is_answered_in_the_log_and_does_no_harm(world, make_node, scene):
    node = make_node()
    camera = world.camera()
    click = world.robot.create_publisher(Point, "tracker/click", 1)
    world.spin_until(
        lambda: node.counts().received and click.get_subscription_count(), lambda: camera.show(scene())
    )

    click.publish(Point(x=-9000.0, y=float("nan")))
    before = node.counts().processed
    world.spin_until(lambda: node.counts().processed > before + 2, lambda: camera.show(scene()))

    assert not node.pipeline.cameras[""].targets.known


def test_a_click_stamped_with_the_time_of_the_click_is_tracked(world, clicked):
    """As Foxglove does it."""
    _, show, click = clicked()
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")

    click(130.0, 100.0, world.robot.get_clock().now().nanoseconds)
    world.spin_until(lambda: tracks and tracks[-1].objects, show)

    assert tracks[-1].objects[0].box.center.position.x == pytest.approx(130, abs=5)


def test_a_click_that_is_refused_is_an_event_and_a_warning(world, clicked):
    _, show, click = clicked()
    events = world.listen(TrackEvent, "tracker/events", latched=True)
    log = world.listen(Log, "/rosout")

    click(130.0, 100.0, 5 * SECOND)
    world.spin_until(lambda: events and log, show)

    assert (events[-1].reason, events[-1].id) == (TrackEvent.CLICK_REFUSED, "")
    assert "no image as old as stamp 5.0" in events[-1].text
    world.spin_until(
        lambda: any(each.level == Log.WARN and events[-1].text[-40:] in each.msg for each in log)
    )


def test_a_stamp_that_is_a_little_off_means_the_nearest_image_and_the_answer_says_which(
    world, make_node, scene, colours, box
):
    node, camera = make_node(report_period=0.05), world.camera()
    frame, shown = scene((100, 80, 60, 40, colours[0])), [SECOND]

    def show():
        shown.append(shown[-1] + SECOND // 10)
        camera.show(frame, shown[-1])

    world.spin_until(lambda: node.pipeline and node.pipeline.cameras)
    counters = node.pipeline.cameras[""].counters
    world.spin_until(lambda: counters.period, show)
    newest = node.pipeline.cameras[""].history.newest().stamp

    near = world.start(boxes=[box(100, 80, 60, 40)], stamp=time_message(newest + SECOND // 25))
    far = world.start(boxes=[box(100, 80, 60, 40)], stamp=time_message(newest + SECOND // 15))

    assert near.success, near.message
    assert nanoseconds(near.stamp) == newest
    assert "40.0 ms earlier" in near.message
    assert not far.success
    assert "cover" in far.message


def test_nothing_starts_on_the_last_image_of_a_camera_that_died(world, make_node, scene, colours, box):
    node, camera = make_node(), world.camera()
    frame = scene((100, 80, 60, 40, colours[0]))
    long_ago = world.robot.get_clock().now().nanoseconds - 15 * SECOND
    world.spin_until(lambda: node.counts().received, lambda: camera.show(frame, long_ago))
    node.set_parameters([node.get_parameter("max_age").__class__("max_age", value=1.0)])

    answer = world.start(boxes=[box(100, 80, 60, 40)])

    assert not answer.success
    assert re.search(r"the newest image is 1\d(\.\d)? s old", answer.message)
    assert "still publishing" in answer.message
