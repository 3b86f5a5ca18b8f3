"""What RViz and Foxglove are told to show is what a running node publishes, under these names and types."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from s2iammask.msg import Latency

ROOT = Path(__file__).parent.parent.parent
CAMERA = "/camera/image_raw"
RVIZ_TYPES = {
    "rviz_default_plugins/Image": {"sensor_msgs/msg/Image"},
    "rviz_default_plugins/MarkerArray": {"visualization_msgs/msg/MarkerArray"},
}
PICTURES = {"sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"}


@pytest.fixture
def graph(world, make_node):
    """Types by topic, of an active node that listens to the usual camera."""
    make_node(remap={"image": CAMERA})
    world.camera(CAMERA)

    def topics():
        return {name: set(types) for name, types in world.robot.get_topic_names_and_types()}

    world.spin_until(
        lambda: {"/tracker/overlay", "/tracker/tracks", "/diagnostics", CAMERA} <= topics().keys()
    )
    return topics()


def test_every_display_of_rviz_has_its_topic(graph):
    view = yaml.safe_load((ROOT / "config/tracker.rviz").read_text())
    shown = [each for each in view["Visualization Manager"]["Displays"] if "Topic" in each]

    assert len(shown) == 4
    for display in shown:
        assert graph[display["Topic"]["Value"]] & RVIZ_TYPES[display["Class"]], display["Name"]


def test_every_panel_of_foxglove_has_its_topic(graph):
    panels = json.loads((ROOT / "config/foxglove_layout.json").read_text())["configById"]
    named = set(re.findall(r'"(/(?:tracker|camera|diagnostics)[\w/]*)', json.dumps(panels)))
    modes = [panel.get("imageMode", {}) for panel in panels.values()]
    pictures = [mode["imageTopic"] for mode in modes if "imageTopic" in mode]

    assert len(named) >= 6
    assert named <= graph.keys()
    assert len(pictures) == 2
    assert all(graph[topic] & PICTURES for topic in pictures)
    assert "diagnostic_msgs/msg/DiagnosticArray" in graph["/diagnostics"]


def test_what_foxglove_plots_is_in_the_messages():
    layout = (ROOT / "config/foxglove_layout.json").read_text()
    plotted = re.findall(r'"/tracker/latency\.(\w+)"', layout)

    assert plotted
    assert set(plotted) <= Latency.get_fields_and_field_types().keys()


def test_the_guide_shows_replay_with_arguments_that_exist():
    replay = pytest.importorskip("s2iammask_ros.tools.replay")
    lines = re.findall(r"ros2 run s2iammask replay (.*)", (ROOT / "docs/ros.md").read_text())

    assert lines
    for line in lines:
        given = replay.arguments().parse_args(shlex.split(line))
        assert given.box == ["320,240,80,60"] or given.targets
