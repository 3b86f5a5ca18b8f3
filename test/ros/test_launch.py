"""The launch file, run where launch_ros and the package are installed."""

import importlib.util
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray

from s2iammask_core.runtime import weights_file

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "launch" / "tracker.launch.py"


def installed(package):
    return importlib.util.find_spec(package) is not None


@pytest.mark.skipif(
    not (shutil.which("ros2") and installed("ros2launch")), reason="ros2 launch is not installed"
)
def test_ctrl_c_ends_ros2_launch_with_success(world, begin_process):
    heard = world.listen(DiagnosticArray, "/diagnostics")
    line = ["ros2", "launch", str(FILE), "weights:=/nowhere.safetensors", "device:=cpu"]
    process = begin_process(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def names_the_weights():
        return any("/nowhere.safetensors" in status.message for array in heard for status in array.status)

    world.spin_until(names_the_weights, seconds=120)
    process.send_signal(signal.SIGINT)
    log, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert "process has died" not in log


@pytest.mark.skipif(
    not (installed("launch_testing") and installed("launch_ros")), reason="launch_testing is not installed"
)
@pytest.mark.skipif(not weights_file().is_file(), reason="there are no weights")
def test_the_launch_file_brings_an_active_node_with_its_arguments():
    line = [sys.executable, "-m", "launch_testing.launch_test", str(Path(__file__).with_name("launches.py"))]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
