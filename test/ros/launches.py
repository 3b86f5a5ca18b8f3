"""The launch file as launch_testing runs it; test_launch.py does that where launch_testing is installed."""

import tempfile
import time
import unittest
from pathlib import Path

import launch_testing.actions
import launch_testing.asserts
import rclpy
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters

FILE = Path(__file__).parent.parent.parent / "launch" / "tracker.launch.py"
ARGUMENTS = {
    "namespace": "front",
    "image": "/front_camera/image_raw",
    "image_transport": "compressed",
    "depth": "/front_camera/depth",
    "use_sim_time": "true",
    "fastdds_profile": "none",
}
FILE_OF_ONES_OWN = "/**: {ros__parameters: {device: cpu, image_transport: raw, history_seconds: 3.5}}"
LONGEST_START = 120.0  # seconds


def generate_test_description():
    parameters = Path(tempfile.mkdtemp()) / "own.yaml"
    parameters.write_text(FILE_OF_ONES_OWN)
    source = PythonLaunchDescriptionSource(str(FILE))
    arguments = {**ARGUMENTS, "params_file": str(parameters)}
    launched = IncludeLaunchDescription(source, launch_arguments=arguments.items())
    return LaunchDescription([launched, launch_testing.actions.ReadyToTest()])


class TestTheRunningNode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rclpy.init()
        cls.robot = rclpy.create_node("robot")

    @classmethod
    def tearDownClass(cls):
        cls.robot.destroy_node()
        rclpy.shutdown()

    def call(self, kind, name, request, seconds=LONGEST_START):
        client = self.robot.create_client(kind, name)
        assert client.wait_for_service(seconds), f"there is no service {name}"
        answer = client.call_async(request)
        rclpy.spin_until_future_complete(self.robot, answer, timeout_sec=seconds)
        return answer.result()

    def test_it_gets_active_by_itself_and_listens_to_the_image_that_was_named(self):
        end = time.monotonic() + LONGEST_START
        state = None
        while state != State.PRIMARY_STATE_ACTIVE and time.monotonic() < end:
            state = self.call(GetState, "/front/tracker/get_state", GetState.Request()).current_state.id

        assert state == State.PRIMARY_STATE_ACTIVE
        heard = dict(self.robot.get_subscriber_names_and_types_by_node("tracker", "/front"))
        assert "/front_camera/image_raw/compressed" in heard
        assert {"/front_camera/depth", "/front_camera/camera_info"} <= heard.keys()

    def test_arguments_that_are_given_become_parameters_and_the_file_gives_the_others(self):
        names = ["device", "image_transport", "use_sim_time", "history_seconds"]

        answer = self.call(GetParameters, "/front/tracker/get_parameters", GetParameters.Request(names=names))

        device, transport, simulated, history = answer.values
        assert (device.string_value, transport.string_value) == ("cpu", "compressed")
        assert simulated.bool_value
        assert history.double_value == 3.5


@launch_testing.post_shutdown_test()
class TestTheEnd(unittest.TestCase):
    def test_every_process_ends_with_success(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
