"""The launch file, run where launch_ros and the package are installed."""

import importlib.util
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray

FILE = Path(__file__).parent.parent.parent / "launch" / "tracker.launch.py"
INSTALLED = shutil.which("ros2") and importlib.util.find_spec("launch_ros")


@pytest.mark.skipif(not INSTALLED, reason="ros2 launch is not installed")
def test_the_launch_file_starts_the_node_with_its_arguments(world):
    heard = world.listen(DiagnosticArray, "/diagnostics")
    line = ["ros2", "launch", str(FILE), "weights:=/nowhere.safetensors", "device:=cpu"]
    process = subprocess.Popen(line, start_new_session=True)

    def names_the_weights():
        return any("/nowhere.safetensors" in status.message for array in heard for status in array.status)

    try:
        world.spin_until(names_the_weights, seconds=120)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
