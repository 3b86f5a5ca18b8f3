"""Several cameras in one node, and targets by click."""

import pytest
from geometry_msgs.msg import Point, PointStamped

from s2iammask.msg import TrackedObjectArray
from s2iammask_core import Tracker
from s2iammask_ros.conversions import time_message


def test_each_camera_has_its_own_topics_and_targets_but_all_share_the_weights(
    world, make_node, make_network, scene, colours, box
):
    loaded = []

    def make(weights, config, runtime):
        loaded.append(weights)
        return Tracker(make_network(), config)

    node = make_node(make, cameras=["front", "rear"])
    front, rear = world.camera("front/image"), world.camera("rear/image")
    heard = {name: world.listen(TrackedObjectArray, f"tracker/{name}/tracks") for name in ("front", "rear")}
    red, green = scene((100, 80, 60, 40, colours[0])), scene((20, 30, 60, 40, colours[1]))

    def show():
        front.show(red)
        rear.show(green)

    world.spin_until(lambda: node.counts("front").received and node.counts("rear").received, show)
    first = world.start(boxes=[box(100, 80, 60, 40)], ids=["one"], node="tracker/front")
    second = world.start(boxes=[box(20, 30, 60, 40)], ids=["one"], node="tracker/rear")
    world.spin_until(lambda: all(each and each[-1].objects for each in heard.values()), show)

    assert first.success, first.message
    assert second.success, second.message
    assert len(loaded) == 1
    places = {name: arrays[-1].objects[0].box.center.position.x for name, arrays in heard.items()}
    assert places == pytest.approx({"front": 130, "rear": 50}, abs=3)


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
    world.spin_until(lambda: node.station and node.station.cameras and click.get_subscription_count())
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
    point.header.stamp = time_message(node.station.cameras[""].history.between(0, stamps[-1])[0].stamp)
    click.publish(point)
    world.spin_until(
        lambda: tracks and tracks[-1].objects, lambda: camera.show(scene((148, 80, 60, 40, colours[0])))
    )

    assert tracks[-1].objects[0].box.center.position.x == pytest.approx(178, abs=6)


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

    assert not node.station.cameras[""].targets.known
