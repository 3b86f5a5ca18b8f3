"""Where ROS has its tools, the lines of the documents are run as typed, and do as they say."""

import re
import shutil
import socket
import subprocess
from urllib.request import urlopen

import cv2
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from s2iammask.msg import TrackedObjectArray
from s2iammask_core.files.labels import write_palette_labels
from s2iammask_core.runtime import weights_file
from s2iammask_ros.messages.stamps import SECOND, time_message
from s2iammask_ros.outputs.conversions import rgb_to_image


def tools_run():
    """Whether ROS's tools are on the path, and for the Python of these tests."""
    found = shutil.which("ros2")
    return found is not None and subprocess.run([found, "--help"], capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("daemon"),
    pytest.mark.skipif(not tools_run(), reason="the tools of ROS 2 are not installed"),
    pytest.mark.skipif(not weights_file().is_file(), reason="there are no weights"),
]

SIZE = {"width": 640, "height": 480}
CUP = (280, 210, 80, 60)  # x, y, width, height: what the documents draw a box around
SAID = {"page:=true": "open http://127.0.0.1:8765/", "log_level:=debug": "tracked in"}
IMAGES = 16  # of the bag, one a second: a line begins after 12.5 s of it


@pytest.fixture
def cup(scene, colours):
    return scene((*CUP, colours[0]), **SIZE)


@pytest.fixture
def robot(world, start, begin, cup):
    """A node as the command needs it, and what makes its camera show the cup once more."""

    def bring(command):
        node = start(command, depth=False, publish_tf=False)
        name = node.settings.cameras[-1] if "/rear/" in command.text else node.settings.cameras[0]
        camera = world.camera(f"{name}/image" if name else "image")
        if node.state == "active":
            world.spin_until(lambda: node.counts(name).received, lambda: camera.show(cup))
        assert any(is_seen_by_the_tools(world, begin, command) for _ in range(20))
        return lambda: camera.show(cup)

    return bring


def is_seen_by_the_tools(world, begin, command):
    """They ask a daemon about the graph, and it learns of a node a little later than others."""
    kind, name = ("topic", command.words[2]) if command.begins("topic") else ("node", "/tracker")
    return name in to_its_end(world, begin(f"ros2 {kind} list")).split()


def to_its_end(world, line, show=lambda: None):
    """What a line has said that ended well by itself."""
    world.spin_until(line.ended, show, seconds=120)
    assert line.process.returncode == 0, line.said
    return line.said


@pytest.mark.typed("service call")
def test_a_service_does_what_is_asked(world, robot, begin, box, command):
    show = robot(command)
    if "StopTracking" in command.text:
        assert world.start(boxes=[box(*CUP)], ids=["cup"]).success

    assert "success=True" in to_its_end(world, begin(command.text), show)


@pytest.mark.typed("param describe", "param set", "lifecycle get", "lifecycle set", "pkg prefix")
def test_what_is_asked_for_is_answered(world, robot, begin, folder, command):
    robot(command)
    answers = {
        "param describe": "Description: ",
        "param set": "Set parameter successful",
        "lifecycle get": "active [3]",
        "lifecycle set": "Transitioning successful",
        "pkg prefix": "/",
    }

    said = to_its_end(world, begin(command.text))

    assert answers[" ".join(command.words[:2])] in said
    if command.begins("pkg"):
        assert (folder / said.strip() / "share/s2iammask/config/fastdds.xml").is_file()


@pytest.mark.typed("topic echo /tracker")
def test_a_topic_can_be_looked_at(world, robot, begin, command):
    show = robot(command)
    line = begin(command.text)

    if "--once" in command.words:
        assert "header:" in to_its_end(world, line, show)
    else:
        world.spin_until(lambda: "header:" in line.said, show, seconds=60)


@pytest.mark.typed("action send_goal")
def test_a_goal_runs_until_ctrl_c(world, robot, begin, command):
    show, tracks = robot(command), world.listen(TrackedObjectArray, "/tracker/tracks")
    line = begin(command.text)

    world.spin_until(lambda: "Feedback:" in line.said, show, seconds=60)
    world.spin_until(lambda: [each.id for each in tracks[-1].objects] == ["cup"], show)
    line.interrupt()

    world.spin_until(lambda: not tracks[-1].objects, show)
    world.spin_until(line.ended, seconds=30)


@pytest.mark.typed("launch")
def test_a_launch_brings_what_its_arguments_ask_for(world, begin, cup, documents, command):
    if "--show-args" in command.words:
        said, declared = to_its_end(world, begin(command.text)), documents.launch_arguments(command.words[2])
        assert {name for name in declared if f"'{name}'" in said} == declared.keys()
        return
    if "page:=true" in command.words:
        skip_without_port(8765)
    camera, line = world.camera("/camera/image_raw"), begin(command.text)

    world.spin_until(lambda: "active on" in line.said, seconds=120)
    for word in SAID.keys() & command.words:
        world.spin_until(lambda text=SAID[word]: text in line.said, lambda: camera.show(cup), seconds=60)
    world.spin_until(lambda: all(is_heard(world, topic) for topic in topics_of(command)))
    if "page:=true" in command.words:
        with urlopen("http://127.0.0.1:8765/") as answer:
            assert b"<title>" in answer.read()
    line.interrupt()

    said = to_its_end(world, line)
    assert "process has died" not in said
    assert "Traceback" not in said


def skip_without_port(port):
    with socket.socket() as tried:
        if tried.connect_ex(("127.0.0.1", port)) == 0:
            pytest.skip(f"port {port}, which the documents name, is taken")


def topics_of(command):
    """That a launch is to listen to, as far as its arguments name them."""
    given = command.arguments
    named = [value for value in given.values() if value.startswith("/")]
    cameras = given.get("cameras", "").split(",")
    return {topic.replace("{camera}", camera) for topic in named for camera in cameras}


def is_heard(world, topic):
    heard = world.robot.get_subscriptions_info_by_topic(topic)
    return any(each.node_name == "tracker" for each in heard)


def test_the_guide_includes_the_launch_file_in_one_that_works(world, begin, documents, folder):
    text = (documents.root / "docs/follow.md").read_text()
    (example,) = re.findall(r"^    IncludeLaunchDescription\(\n(?:    .*\n)+", text, re.MULTILINE)
    (folder / "bringup.launch.py").write_text(
        "from launch import LaunchDescription\n"
        "from launch.actions import IncludeLaunchDescription\n"
        "from launch.launch_description_sources import PythonLaunchDescriptionSource\n"
        "from launch.substitutions import PathJoinSubstitution\n"
        "from launch_ros.substitutions import FindPackageShare\n"
        f"def generate_launch_description():\n    return LaunchDescription([\n{example}    ])\n"
    )
    line = begin("ros2 launch ./bringup.launch.py")

    world.spin_until(lambda: "active on" in line.said, seconds=120)

    for name in ("color/image_raw", "color/camera_info", "depth/image_raw"):
        world.spin_until(lambda topic=f"/camera/{name}": is_heard(world, topic))
    world.spin_until(lambda: world.robot.count_publishers("/goal_update"))


@pytest.mark.typed("run s2iammask page")
def test_the_page_is_served_until_ctrl_c(world, begin, command):
    skip_without_port(8765)
    line = begin(command.text)

    world.spin_until(lambda: "open http://127.0.0.1:8765/" in line.said, seconds=60)
    line.interrupt()

    to_its_end(world, line)


def test_what_the_node_may_do_is_signed(world, begin, documents, folder):
    pytest.importorskip("sros2")

    for line in documents.all_commands():
        if line.begins("security"):
            to_its_end(world, begin(line.text))

    assert (folder / "keys/enclaves/tracker/permissions.p7s").is_file()


@pytest.mark.typed("run s2iammask select_target")
def test_the_window_needs_an_opencv_that_has_windows(world, begin, command):
    if not re.search(r"GUI:\s+NONE", cv2.getBuildInformation()):
        pytest.skip("this OpenCV opens windows")
    line = begin(command.text)

    world.spin_until(line.ended, seconds=60)

    assert "python3-opencv" in line.said


@pytest.mark.typed("run s2iammask replay BAG")
def test_a_bag_is_replayed(world, begin, folder, cup, command):
    write_bag(folder, cup)

    said = to_its_end(world, begin(command.text))

    assert f'"images": {IMAGES}' in said
    assert "--out" not in command.words or (folder / "out" / "metadata.yaml").is_file()


def write_bag(folder, frame):
    """The cup for a while, with truth and a table beside it."""
    rosbag2 = pytest.importorskip("rosbags.rosbag2")
    from rosbags.typesys import Stores, get_typestore

    x, y, width, height = CUP
    labels = np.zeros(frame.shape[:2], np.uint8)
    labels[y : y + height, x : x + width] = 1
    (folder / "masks").mkdir()
    store = get_typestore(Stores.ROS2_JAZZY)
    with rosbag2.Writer(folder / "bag", version=9) as writer:
        topic = writer.add_connection("/camera/image_raw", "sensor_msgs/msg/Image", typestore=store)
        for number in range(IMAGES):
            message = rgb_to_image(frame, Header(stamp=time_message((1 + number) * SECOND)))
            writer.write(topic, (1 + number) * SECOND, serialize_message(message))
            write_palette_labels(folder / "masks" / f"{number:05d}.png", labels)
    rows = "recording,topic,frame,id,label,x,y,width,height\nbag,/camera/image_raw,0,1,cup,280,210,80,60\n"
    (folder / "targets.csv").write_text(rows)
