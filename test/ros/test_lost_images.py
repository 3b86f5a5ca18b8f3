"""What is said of images that do not arrive."""

import pytest
from rcl_interfaces.msg import Log

from s2iammask.msg import Latency

SECOND = 1_000_000_000


def test_images_that_get_lost_are_warned_about_once_with_the_remedy(world, make_node, red):
    node, camera = make_node(report_period=0.2), world.camera()
    log = world.listen(Log, "/rosout", latched=True)
    heard = world.listen(Latency, "tracker/latency")
    shown = [SECOND]

    def show():  # every second and third one of ten images a second
        shown.append(shown[-1] + (2 + len(shown) % 2) * SECOND // 10)
        camera.show(red(), shown[-1])

    world.spin_until(lambda: node.counts().missing > 60, show)

    warnings = [each.msg for each in log if "do not arrive" in each.msg]
    assert len(warnings) == 1
    assert "(0.23 MB each)" in warnings[0]
    assert "fastdds.xml" in warnings[0]
    assert "reliably" not in warnings[0]  # as this camera does
    assert heard[-1].camera_rate == pytest.approx(10, rel=0.02)


def test_a_loss_that_passes_is_counted_and_no_reason_for_a_warning(world, make_node, red):
    node, camera = make_node(report_period=0.1), world.camera()
    log = world.listen(Log, "/rosout", latched=True)
    reports = world.listen(Latency, "tracker/latency")
    shown = [SECOND]

    def show():  # ten images a second, and half a second without any
        shown.append(shown[-1] + (6 if len(shown) == 30 else 1) * SECOND // 10)
        camera.show(red(), shown[-1])

    world.spin_until(lambda: node.counts().missing >= 5, show)
    after = len(reports)
    world.spin_until(lambda: len(reports) > after + 3, show)

    assert not [each.msg for each in log if "do not arrive" in each.msg]
