"""Real nodes in a private ROS context, and a robot that plays the rest."""

import os
import subprocess
import time

import pytest

os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
rclpy = pytest.importorskip("rclpy")
pytest.importorskip("s2iammask.msg", reason="the messages are built by `make setup` or colcon")

from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from vision_msgs.msg import BoundingBox2D

from s2iammask.srv import StartTracking, StopTracking
from s2iammask_core import Tracker
from s2iammask_ros.messages.arrays import byte_array
from s2iammask_ros.messages.stamps import time_message
from s2iammask_ros.node import TrackerNode

DOMAIN = 60 + os.getpid() % 40
os.environ["ROS_DOMAIN_ID"] = str(DOMAIN)  # for processes that tests start
SECOND = 1_000_000_000
ATTEMPTS_EVERY = 0.03  # seconds; a camera of some 30 Hz


class World:
    """A ROS context of the test's own, with one node that plays the rest of the robot."""

    def __init__(self):
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=DOMAIN)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.nodes = []
        self.robot = rclpy.create_node("robot", context=self.context)
        self.executor.add_node(self.robot)

    def add(self, node):
        self.nodes.append(node)
        self.executor.add_node(node)
        return node

    def spin_until(self, done, attempt=lambda: None, seconds=15):
        """Spins until done() holds; attempt() is made anew now and then, as topics may drop it.

        Not before every spin: images that come faster than they are handled starve the other callbacks.
        """
        end, due = time.monotonic() + seconds, 0.0
        while not done():
            now = time.monotonic()
            assert now < end, "nothing came in time"
            if now >= due:
                attempt()
                due = now + ATTEMPTS_EVERY
            self.executor.spin_once(timeout_sec=0.02)

    def spin_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)

    def call(self, kind, name, request, seconds=15):
        client = self.robot.create_client(kind, name)
        self.spin_until(client.service_is_ready, seconds=seconds)
        answer = client.call_async(request)
        self.spin_until(answer.done, seconds=seconds)
        self.robot.destroy_client(client)
        return answer.result()

    def listen(self, kind, topic, latched=False):
        """A list that fills with what comes."""
        heard = []
        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        self.robot.create_subscription(
            kind, topic, heard.append, QoSProfile(depth=100, durability=durability)
        )
        return heard

    def start(self, node="tracker", **request):
        return self.call(StartTracking, f"{node}/start_tracking", StartTracking.Request(**request))

    def stop(self, *ids, node="tracker"):
        return self.call(StopTracking, f"{node}/stop_tracking", StopTracking.Request(ids=list(ids)))

    def camera(self, topic="image", reliability="reliable"):
        quality = QoSProfile(depth=5, reliability=ReliabilityPolicy[reliability.upper()])
        return Camera(self, self.robot.create_publisher(Image, topic, quality))

    def close(self):
        for node in self.nodes:
            node.destroy_node()
        self.robot.destroy_node()
        self.executor.shutdown()
        rclpy.shutdown(context=self.context)


class Camera:
    """Publishes frames with stamps of its own clock, which is the node's."""

    def __init__(self, world, publisher):
        self.world, self.publisher = world, publisher

    def show(self, frame, stamp=None):
        """Publishes one RGB frame; returns its stamp in nanoseconds."""
        stamp = self.world.robot.get_clock().now().nanoseconds if stamp is None else stamp
        self.publisher.publish(image_message(frame, stamp))
        return stamp


def image_message(frame, stamp=0, frame_id="camera_optical"):
    height, width = frame.shape[:2]
    image = Image(height=height, width=width, step=3 * width, encoding="rgb8", data=byte_array(frame))
    image.header.frame_id = frame_id
    image.header.stamp = time_message(stamp)
    return image


def box_message(x, y, width, height, theta=0.0):
    """A box by its top left corner (of the upright one) and its size."""
    box = BoundingBox2D(size_x=float(width), size_y=float(height))
    box.center.position.x, box.center.position.y, box.center.theta = x + width / 2, y + height / 2, theta
    return box


@pytest.fixture
def box():
    return box_message


@pytest.fixture
def red(scene, colours):
    """Draws a frame with the red rectangle of `tracking`, or with that elsewhere."""

    def draw(x=100, y=80, **size):
        return scene((x, y, 60, 40, colours[0]), **size)

    return draw


@pytest.fixture
def world():
    world = World()
    yield world
    world.close()


@pytest.fixture
def begin_process():
    """Like subprocess.Popen, with errors to read as text; what still runs when the test ends is asked to end.

    It is killed only if it does not: DDS shares memory between processes, and what dies in the middle of
    something there can take the others with it.
    """
    begun = []

    def begin(line, **options):
        options = {"stderr": subprocess.PIPE, "text": True, "start_new_session": True, **options}
        begun.append(subprocess.Popen(line, **options))
        return begun[-1]

    yield begin
    running = [process for process in begun if process.poll() is None]
    for process in running:
        process.terminate()
    for process in running:
        end(process)


def end(process, seconds=20):
    try:
        process.communicate(timeout=seconds)  # its pipe is read meanwhile, for a full one would hold it up
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@pytest.fixture
def make_node(world, network):
    """Makes a tracker node with the fake network; parameters by name, and names to remap."""

    def make(
        make_tracker=lambda weights, config, runtime: Tracker.of(network, config), remap=(), **parameters
    ):
        given = {"max_age": 0.0, **parameters}
        overrides = [Parameter(name, value=value) for name, value in given.items()]
        rules = [part for rule in dict(remap).items() for part in ("-r", ":=".join(rule))]
        options = {"cli_args": ["--ros-args", *rules]} if rules else {}
        return world.add(
            TrackerNode(make_tracker, context=world.context, parameter_overrides=overrides, **options)
        )

    return make


@pytest.fixture
def tracking(world, make_node, scene, colours):
    """A node that tracks a red rectangle as "red", and its camera."""

    def begin(**parameters):
        node = make_node(**parameters)
        camera = world.camera()
        frame = scene((100, 80, 60, 40, colours[0]))
        world.spin_until(lambda: node.counts().received, lambda: camera.show(frame))
        answer = world.start(boxes=[box_message(100, 80, 60, 40)], ids=["red"], labels=["a red thing"])
        assert answer.success, answer.message
        return node, camera

    return begin
