"""Makes config/tracker.yaml: python -m s2iammask_ros.tools.parameter_file > config/tracker.yaml."""

import json
import sys
from dataclasses import Field, fields
from typing import Any

from s2iammask_core import RuntimeConfig, TrackerConfig
from s2iammask_ros.settings import NodeConfig

PARTS = {
    "The node": NodeConfig,
    "How network outputs become tracks": TrackerConfig,
    "How a step is executed": RuntimeConfig,
}
HEAD = """\
# All parameters of the tracker with their defaults, made by `python -m s2iammask_ros.tools.parameter_file`.
# `ros2 param describe` also tells their ranges; (live): it may change while the node runs.
/**:
  ros__parameters:
"""


def text() -> str:
    """The file's content."""
    lines = []
    for title, kind in PARTS.items():
        lines += ["", f"    # {title}", ""]
        lines += [line for field in fields(kind) for line in _entry(field)]
    return HEAD + "\n".join(lines[1:]) + "\n"


def _entry(field: "Field[Any]") -> list[str]:
    live = " (live)" if field.metadata["live"] else ""
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    return [f"    # {field.metadata['meaning']}{live}", f"    {field.name}: {json.dumps(default)}"]


if __name__ == "__main__":
    sys.stdout.write(text())
