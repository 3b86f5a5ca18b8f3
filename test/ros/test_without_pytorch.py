"""The node with the weights of the package, in a process that cannot import PyTorch."""

import pytest
from diagnostic_msgs.msg import DiagnosticArray

from s2iammask.msg import TrackedObject, TrackedObjectArray

PROGRAM = """
import importlib
import pkgutil
import s2iammask_ros
for module in pkgutil.walk_packages(s2iammask_ros.__path__, "s2iammask_ros."):
    importlib.import_module(module.name)
importlib.import_module("s2iammask_ros.tracker_node").main()
"""


@pytest.fixture
def process(without_pytorch, begin_process):
    settings = {"device": "cpu", "max_age": 0.0}
    given = [word for name, value in settings.items() for word in ("-p", f"{name}:={value}")]
    return begin_process([*without_pytorch(PROGRAM), "--ros-args", *given])


def test_it_follows_an_object(world, process, scene, colours, box):
    reports = world.listen(DiagnosticArray, "/diagnostics")
    found = world.listen(TrackedObjectArray, "tracker/tracks")
    camera, places = world.camera(), [(100 + 6 * step, 80 + 3 * step) for step in range(4)]
    frames = [scene((*place, 70, 50, colours[0])) for place in places]

    world.spin_until(lambda: reports and len(reports[-1].status) == 2, seconds=60)  # active
    world.spin_until(lambda: found, lambda: camera.show(frames[0]), seconds=30)
    assert world.start(boxes=[box(100, 80, 70, 50)], ids=["red"]).success
    for frame in frames[1:]:
        stamp = camera.show(frame)
        world.spin_until(lambda stamp=stamp: tracked(found, stamp), seconds=30)

    (last,) = tracked(found, stamp)
    assert (last.id, last.state) == ("red", TrackedObject.TRACKING)
    assert last.box.center.position.x == pytest.approx(places[-1][0] + 35, abs=4)
    assert last.box.center.position.y == pytest.approx(places[-1][1] + 25, abs=4)


def tracked(found, stamp):
    """The objects in the image of a stamp, once they were answered."""
    times = [(each.header.stamp.sec * 10**9 + each.header.stamp.nanosec, each.objects) for each in found]
    return next((objects for time, objects in times if time == stamp), None)
