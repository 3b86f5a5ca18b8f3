"""The files in config/ and launch/ against the node as it is."""

import importlib.util
import json
import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from rclpy.action import get_action_server_names_and_types_by_node
from rclpy.parameter import Parameter

from s2iammask_ros.outputs.topics import TOPICS

ROOT = Path(__file__).parent.parent.parent
CONFIG = ROOT / "config"
OWN = {f"/tracker/{topic.name}" for topic in TOPICS}


def policy(kind, access):
    root = ElementTree.parse(CONFIG / "sros2_policy.xml").getroot()
    names = [each.text for group in root.iter(kind) if group.get(access) == "ALLOW" for each in group]
    return {name.replace("~", "/tracker") if "~" in name else f"/{name.lstrip('/')}" for name in names}


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_the_security_policy_names_what_the_node_uses_and_nothing_else(world, make_node, transport):
    node = make_node(image_transport=transport, depth=True, hints=True, publish_tf=True, use_sim_time=True)
    world.spin_until(lambda: node.pipeline and node.pipeline.cameras)

    def used(what):
        names = {name for name, _ in getattr(node, f"get_{what}_names_and_types_by_node")("tracker", "/")}
        return {name for name in names if "/_action/" not in name}

    # discovery tells of names a little later than the node has them
    optional = {"/image", "/image/compressed", "/parameter_events"}
    world.spin_until(lambda: used("publisher") == policy("topics", "publish"))
    world.spin_until(lambda: used("subscriber") | optional == policy("topics", "subscribe"))
    world.spin_until(lambda: used("service") == policy("services", "reply"))
    served = get_action_server_names_and_types_by_node(node, "tracker", "/")
    assert {name for name, _ in served} == policy("actions", "execute")


def test_rviz_shows_topics_that_exist_in_docks_that_exist():
    view = yaml.safe_load((CONFIG / "tracker.rviz").read_text())
    displays = view["Visualization Manager"]["Displays"]
    topics = {each["Topic"]["Value"] for each in displays if "Topic" in each}
    geometry = view["Window Geometry"]

    assert topics - OWN == {"/camera/image_raw"}
    images = [each["Name"] for each in displays if each["Class"].endswith("/Image")]
    assert docks(bytes.fromhex(geometry["QMainWindow State"])) == ["Displays", *images]
    assert all(geometry[name] == {"collapsed": False} for name in images)


def docks(state):
    """The names of the docked widgets of a saved QMainWindow: marker 0xfb, length in bytes, UTF-16."""
    found = []
    for match in re.finditer(rb"\xfb(.{4})", state, re.DOTALL):
        (length,) = struct.unpack(">i", match[1])
        found.append(state[match.end() : match.end() + length].decode("utf-16-be"))
    return found


def test_the_foxglove_layout_shows_topics_that_exist_in_panels_that_exist():
    layout = json.loads((CONFIG / "foxglove_layout.json").read_text())
    text = json.dumps(layout["configById"])

    named = set(re.findall(r"/tracker/[a-z0-9_/]+", text))
    assert named - {"/tracker/click_stamped"} <= OWN
    panels = set(re.findall(r'"([A-Za-z0-9]+![a-z]+)"', json.dumps(layout["layout"])))
    assert panels == set(layout["configById"])


def test_the_dds_profile_has_room_for_large_images():
    text = (CONFIG / "fastdds.xml").read_text()
    ElementTree.fromstring(text.encode())
    assert int(re.search(r"<segment_size>(\d+)<", text)[1]) >= 128 * 2**20


def test_the_launch_file_compiles():
    source = (ROOT / "launch" / "tracker.launch.py").read_text()
    compile(source, "tracker.launch.py", "exec")


@pytest.mark.skipif(not importlib.util.find_spec("launch_ros"), reason="launch_ros is not installed")
@pytest.mark.parametrize(
    ("given", "programs"),
    [
        ({}, ["tracker_node"]),
        ({"rviz": "true"}, ["tracker_node", "rviz2"]),
        ({"page": "true", "page_rate": "5"}, ["tracker_node", "page"]),
    ],
)
def test_the_launch_file_starts_what_is_asked_for(given, programs):
    from launch import LaunchContext

    module, context = launch_file(), LaunchContext()
    context.launch_configurations.update(given)
    for argument in module.generate_launch_description().get_launch_arguments():
        argument.execute(context)

    actions = [action for part in (module.tracker, module.rviz, module.page) for action in part(context)]

    asked = [each for each in actions if each.condition is None or each.condition.evaluate(context)]
    assert [each.node_executable for each in asked] == programs


def launch_file():
    spec = importlib.util.spec_from_file_location("tracker_launch", ROOT / "launch" / "tracker.launch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not importlib.util.find_spec("launch_ros"), reason="launch_ros is not installed")
@pytest.mark.parametrize(
    ("camera", "given", "rules"),
    [
        ("", {}, {"image": "/camera/image_raw", "camera_info": "/camera/camera_info"}),
        (
            "",
            {
                "image": "/c/color/image_raw",
                "depth": "/c/depth",
                "hints": "true",
                "target_pose": "/goal",
            },
            {
                "image": "/c/color/image_raw",
                "camera_info": "/c/color/camera_info",
                "depth": "/c/depth",
                "~/target_pose": "/goal",
            },
        ),
        ("rear", {}, {"rear/image": "/rear/image_raw", "rear/camera_info": "/rear/camera_info"}),
        (
            "rear",
            {"image": "/{camera}_camera/image_raw"},
            {"rear/image": "/rear_camera/image_raw", "rear/camera_info": "/rear_camera/camera_info"},
        ),
    ],
)
def test_the_launch_file_brings_each_camera_its_topics(camera, given, rules):
    assert dict(launch_file().topics_of(camera, lambda name: given.get(name, ""))) == rules


@pytest.mark.skipif(not importlib.util.find_spec("launch_ros"), reason="launch_ros is not installed")
def test_several_cameras_on_one_topic_are_refused_by_the_launch_file():
    with pytest.raises(ValueError, match="image:=/camera/image_raw must have"):
        launch_file().topics_of("front", lambda name: {"image": "/camera/image_raw"}.get(name, ""))


@pytest.mark.skipif(not importlib.util.find_spec("launch_ros"), reason="launch_ros is not installed")
def test_a_topic_for_depth_or_hints_turns_them_on():
    given = {"depth": "/depth", "hints": "false"}
    assert launch_file().switched(lambda name: given.get(name, "")) == {"depth": True, "hints": False}


@pytest.mark.skipif(not importlib.util.find_spec("launch_ros"), reason="launch_ros is not installed")
@pytest.mark.parametrize(
    ("given", "environment", "is_set"),
    [
        ("/a/profile.xml", {}, True),
        ("none", {}, False),
        ("/a/profile.xml", {"FASTRTPS_DEFAULT_PROFILES_FILE": "/their/own.xml"}, False),
    ],
)
def test_the_transports_are_set_unless_somebody_chose_others(monkeypatch, given, environment, is_set):
    from launch import LaunchContext

    monkeypatch.delenv("FASTRTPS_DEFAULT_PROFILES_FILE", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    context = LaunchContext()
    context.launch_configurations["fastdds_profile"] = given

    assert bool(launch_file().set_transports(context)) == is_set


def test_the_parameter_file_can_be_given_to_the_node(world, make_node):
    given = yaml.safe_load((CONFIG / "tracker.yaml").read_text())["/**"]["ros__parameters"]
    node = make_node(**{**given, "autostart": False})
    assert node.get_parameter("history_seconds").value == given["history_seconds"]
    assert Parameter("cameras", value=given["cameras"]).value == [""]
