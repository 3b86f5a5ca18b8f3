"""What a process holds before configure and after cleanup, with the weights of the package."""

import json
import sys
from statistics import median

import pytest

CYCLES = 10
PROGRAM = """
import json, sys
import numpy as np
import rclpy
from rclpy.parameter import Parameter
from s2iammask_core import Box
from s2iammask_ros.loading import make_tracker
from s2iammask_core.memory import share_heaps
from s2iammask_ros.node import TrackerNode

def held():
    # what is the process's own, and what is only the code of libraries, megabytes
    lines = dict(line.split(":", 1) for line in open("/proc/self/status") if line.startswith("Rss"))
    own, code = (int(lines[name].split()[0]) / 1000 for name in ("RssAnon", "RssFile"))
    return {"own": own, "code": code}

share_heaps()
rclpy.init()
given = {"autostart": False, "device": "cpu", "threads": 2}
parameters = [Parameter(name, value=value) for name, value in given.items()]
node = TrackerNode(make_tracker, parameter_overrides=parameters)
found = {"before": held(), "configured": [], "after": []}
frame = np.full((240, 320, 3), 90, np.uint8)
for _ in range(int(sys.argv[1])):
    node.trigger_configure()
    tracker = node.pipeline.engine.tracker()
    tracker.start(frame, [Box(100, 80, 160, 120)])
    tracker.track(frame)
    del tracker
    found["configured"].append(held())
    node.trigger_cleanup()
    found["after"].append(held())
print(json.dumps(found))
node.destroy_node()
rclpy.shutdown()
"""


def test_cleanup_gives_back_what_configure_took_and_nothing_grows(begin_process):
    pytest.importorskip("openvino")
    process = begin_process([sys.executable, "-c", PROGRAM, str(CYCLES)], stdout=-1)

    said, errors = process.communicate(timeout=300)

    assert process.returncode == 0, errors
    held = json.loads(said.splitlines()[-1])
    before, after = held["before"]["own"], [each["own"] for each in held["after"]]
    assert min(each["own"] for each in held["configured"]) > before + 60
    assert median(after) < before + 55  # what was imported stays; a first compilation leaves more
    assert min(after[-3:]) < min(after[:5]) + 5  # some of it is allocated once, or goes a moment later
