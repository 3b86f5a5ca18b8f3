"""The executable as a process of its own."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from ament_index_python import get_package_prefix
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.action import ActionClient

from s2iammask.action import TrackObject
from s2iammask.msg import TrackedObjectArray
from s2iammask.srv import StartTracking, StopTracking

PROGRAM = """
import importlib.util, sys, threading
spec = importlib.util.spec_from_file_location("fakes", {conftest!r})
fakes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fakes)
import s2iammask_ros.tracker_node as program
from s2iammask_core import Tracker
network, pause = fakes.ColourNetwork(), threading.Event()
search = network.search
network.search = lambda *given: (pause.wait({pause}), search(*given))[1]
program.make_tracker = lambda weights, config, runtime: Tracker.of(network, config)
sys.exit(program.main())
"""


@pytest.fixture
def launch(request, begin_process):
    """Starts the executable with the fake network; pause: seconds that a step takes longer."""
    conftest = str(request.config.rootpath / "test" / "conftest.py")

    def start(*arguments, pause=0.0):
        program = PROGRAM.format(conftest=conftest, pause=pause)
        return begin_process([sys.executable, "-c", program, "--ros-args", *arguments])

    return start


def wait_until_active(world):
    """Only an active node reports on its images."""
    heard = world.listen(DiagnosticArray, "/diagnostics")
    world.spin_until(lambda: heard and len(heard[-1].status) == 2, seconds=120)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_in_two_seconds_with_success(world, launch, number):
    process = launch()
    wait_until_active(world)

    begin = time.monotonic()
    process.send_signal(number)
    code = process.wait(10)

    assert code == 0, process.stderr.read()
    assert time.monotonic() - begin < 2.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_each_goal_with_a_result(world, launch, scene, colours, box, number):
    process = launch()
    wait_until_active(world)
    camera, frame = world.camera(), scene((100, 80, 60, 40, colours[0]), (200, 150, 50, 50, colours[1]))
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    world.spin_until(lambda: tracks, lambda: camera.show(frame))
    client = ActionClient(world.robot, TrackObject, "tracker/track_object")
    world.spin_until(client.server_is_ready)
    boxes = [box(100, 80, 60, 40), box(200, 150, 50, 50)]
    sent = [client.send_goal_async(TrackObject.Goal(box=each)) for each in boxes]
    world.spin_until(lambda: all(each.done() for each in sent))
    ends = [each.result().get_result_async() for each in sent]
    world.spin_until(lambda: len(tracks[-1].objects) == 2, lambda: camera.show(frame))

    process.send_signal(number)

    world.spin_until(lambda: all(end.done() for end in ends))
    for end in ends:
        assert end.result().status == GoalStatus.STATUS_ABORTED
        assert end.result().result.reason == TrackObject.Result.ENDED
        assert "the node was shut down" in end.result().result.text
    assert process.wait(10) == 0
    client.destroy()


@pytest.mark.skipif(
    rclpy.get_rmw_implementation_identifier() != "rmw_fastrtps_cpp", reason="about shared memory of Fast DDS"
)
def test_a_process_that_ends_leaves_no_shared_memory(world, launch):
    """It would stay there until the computer is restarted, up to 128 MiB with config/fastdds.xml."""
    ours = shared_memory(os.getpid())
    process = launch()
    wait_until_active(world)
    theirs = shared_memory(process.pid) - ours
    assert theirs

    process.send_signal(signal.SIGINT)
    process.wait(10)

    assert not [path for path in theirs if path.exists()]


def shared_memory(process):
    """The files in which DDS shares data of a process with others."""
    maps = Path(f"/proc/{process}/maps").read_text()
    return {Path(path) for path in re.findall(r"/dev/shm/fastrtps_[0-9a-f]+\b", maps)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_two_signals_during_the_import_end_the_program_with_success(begin_process, number):
    """A terminal sends one to all that runs in it, and ros2 launch one more."""
    program = Path(get_package_prefix("s2iammask")) / "lib" / "s2iammask" / "tracker_node"
    # coverage would catch SIGTERM before the program does, and end it in its own way
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    process = begin_process([program], env=environment)

    while not catches(process.pid, number):
        assert process.poll() is None
    process.send_signal(number)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)

    assert (process.returncode, errors) == (0, "")


def catches(process, number):
    """Whether a process has its own way with a signal; Python's own is only one for SIGINT."""
    status = Path(f"/proc/{process}/status").read_text()
    caught = int(re.search(r"^SigCgt:\s*(\w+)$", status, re.MULTILINE)[1], 16)
    return all(caught >> each - 1 & 1 for each in (signal.SIGTERM, number))


def test_a_wrong_parameter_ends_the_process_with_its_name(launch):
    process = launch("-p", "cameras:=[front, front]")

    _, errors = process.communicate(timeout=120)

    assert process.returncode == 2
    assert "cameras" in errors


def test_a_transition_that_does_not_exist_is_refused_and_does_not_end_the_process(world, launch):
    process = launch()
    wait_until_active(world)

    request = ChangeState.Request(transition=Transition(id=99))
    answer = world.call(ChangeState, "tracker/change_state", request)
    wait_until_active(world)

    assert not answer.success

    assert process.poll() is None


def test_a_flood_of_starts_does_not_keep_a_stop_from_its_turn(world, launch, scene, colours, box):
    launch(pause=0.3)
    wait_until_active(world)
    camera, frame = world.camera(), scene((100, 80, 60, 40, colours[0]))
    tracks = world.listen(TrackedObjectArray, "tracker/tracks")
    start = world.robot.create_client(StartTracking, "tracker/start_tracking")
    stop = world.robot.create_client(StopTracking, "tracker/stop_tracking")
    world.spin_until(lambda: tracks and stop.service_is_ready(), lambda: camera.show(frame))
    request = StartTracking.Request(boxes=[box(100, 80, 60, 40)], ids=["red"])
    answers = []

    def ask(call=None):
        answers.append(call)
        start.call_async(request).add_done_callback(ask)

    for _ in range(6):
        ask()
    world.spin_until(lambda: len(answers) > 8, lambda: camera.show(frame))
    answer = stop.call_async(StopTracking.Request(ids=["red"]))

    world.spin_until(answer.done, lambda: camera.show(frame))
    assert answer.result().ids == ["red"]
