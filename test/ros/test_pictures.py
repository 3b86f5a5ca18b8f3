"""The pictures of the README: layouts of RViz and Foxglove as their files say, drawn from messages."""

import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

pytest.importorskip("matplotlib")

from demo.layouts import foxglove_panels, rviz_panels
from demo.panels import window
from s2iammask.msg import Latency, TrackEvent
from s2iammask_ros.outputs.conversions import rgb_to_image, rgb_to_jpeg

PURPLE, ORANGE = (200, 30, 220), (250, 140, 20)
GUIDE = Path(__file__).parent.parent.parent / "docs" / "ros.md"


@pytest.fixture
def heard():
    """Messages on all topics: purple images, and an orange box one metre before the camera."""
    picture, header = np.full((60, 90, 3), PURPLE, np.uint8), Header(frame_id="camera_optical_frame")
    points = [Point(x=x, y=y, z=1.0) for x, y in ((-0.2, -0.2), (0.2, -0.2), (0.2, 0.2), (-0.2, 0.2))]
    red, green, blue = (value / 255 for value in ORANGE)
    box = Marker(type=Marker.LINE_STRIP, points=points, color=ColorRGBA(r=red, g=green, b=blue, a=1.0))
    status = DiagnosticStatus(level=DiagnosticStatus.WARN, name="tracker", message="slow")
    topics = {
        "/camera/image_raw": rgb_to_image(picture, header),
        "/tracker/overlay": rgb_to_image(picture, header),
        "/tracker/overlay/compressed": rgb_to_jpeg(picture, header),
        "/tracker/mask_view": rgb_to_image(picture, header),
        "/tracker/markers": MarkerArray(markers=[box]),
        "/tracker/latency": Latency(p50=20.0, p95=30.0, rate=25.0),
        "/tracker/events": TrackEvent(text="cup is tracked"),
        "/diagnostics": DiagnosticArray(status=[status]),
    }
    return defaultdict(list, {topic: [(0.0, message), (1.0, message)] for topic, message in topics.items()})


@pytest.mark.parametrize(("panels", "share"), [(rviz_panels(), 0.2), (foxglove_panels(), 0.3)])
def test_images_and_boxes_can_be_seen(panels, share, heard):
    drawn = window(panels, heard, "a foot").astype(int)

    assert (abs(drawn - PURPLE).max(axis=2) < 20).mean() > share
    assert (abs(drawn - ORANGE).max(axis=2) < 20).sum() > 100


@pytest.mark.parametrize("panels", [rviz_panels(), foxglove_panels()])
def test_panels_fill_the_window(panels):
    areas = [panel.place.width * panel.place.height for panel in panels]
    assert sum(areas) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("panels", [rviz_panels(), foxglove_panels()])
def test_space_is_seen_from_behind_the_camera_and_from_above(panels):
    (view,) = [panel.view for panel in panels if panel.view is not None]
    _, down, forward = view.eye
    assert forward < 0
    assert down < 0


def test_the_guide_shows_replay_with_arguments_that_exist():
    replay = pytest.importorskip("s2iammask_ros.tools.replay")
    lines = re.findall(r"ros2 run s2iammask replay (.*)", GUIDE.read_text())

    assert lines
    for line in lines:
        assert replay.arguments().parse_args(line.split()).box == ["320,240,80,60"]
