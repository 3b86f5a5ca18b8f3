"""What stands in for the node where a bag is tracked without time: its settings and its clock."""

import difflib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm

from s2iammask_core import RuntimeConfig, TrackerConfig
from s2iammask_core.config import from_mapping
from s2iammask_core.errors import ConfigError
from s2iammask_core.files.yamls import read_yaml
from s2iammask_core.geometry import HostFrame
from s2iammask_ros.camera import Camera
from s2iammask_ros.outputs.topics import Publisher, Topic
from s2iammask_ros.settings import NodeConfig

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")
EVERY_NODE = ("use_sim_time", "qos_overrides", "start_type_description_service")
OFFLINE = {
    "max_age": 0.0,
    "history_seconds": 0.0,
    "depth": False,
    "hints": False,
    "search_budget": 0.0,
}  # whatever the file says


@dataclass
class Stage:
    """Stands in for the node: its clock is that of the images, so nothing is ever late."""

    tracker_config: TrackerConfig
    settings: NodeConfig
    time: int = 0

    def now(self) -> int:
        return self.time

    def say(self, text: str) -> None:
        """Of starts and losses: the new bag has them as events."""

    def debug(self, text: Callable[[], str]) -> None: ...

    def warn(self, text: str) -> None:
        tqdm.write(f"warning: {text}", file=sys.stderr)

    def survive(self, error: Exception, camera: Camera, frame: HostFrame) -> None:
        raise error


class Nowhere(Publisher):
    """For replays that only give figures."""

    def wanted(self, topic: Topic) -> bool:
        return False

    def publish(self, topic: Topic, message: Any) -> None:
        pass


def stage_and_runtime(file: Path | None, given: Mapping[str, str]) -> tuple[Stage, RuntimeConfig]:
    """The settings of a parameter file, except for those that are given and not empty."""
    values = parameters(file) if file else {}
    values |= {name: value for name, value in given.items() if value}
    settings = own(NodeConfig, values | {"cameras": ("",)} | OFFLINE)
    return Stage(own(TrackerConfig, values), settings), own(RuntimeConfig, values)


def parameters(file: Path) -> dict[str, Any]:
    """What a parameter file says to the node /tracker; the more particular part counts."""
    parts, found = read_yaml(file), dict[str, Any]()
    for name in ("/**", "/*", "tracker", "/tracker"):
        part = parts.get(name) or {}
        given = (part.get("ros__parameters") or {}) if isinstance(part, dict) else None
        if not isinstance(given, dict):
            raise ConfigError(f"{file} must hold names and values in {name}: ros__parameters")
        found |= given
    _check_known(file, found)
    return found


def _check_known(file: Path, names: Iterable[str]) -> None:
    """ConfigError for a name that is no parameter of the node; those of all nodes are no business of ours."""
    known = [each.name for kind in (NodeConfig, TrackerConfig, RuntimeConfig) for each in fields(kind)]
    for name in names:
        if name not in known and not str(name).startswith(EVERY_NODE):
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{file}: the node has no parameter {name!r}{hint}")


def own(kind: type[Settings], values: Mapping[str, Any]) -> Settings:
    """The settings of one kind; what belongs to another one is left out."""
    return from_mapping(kind, {each.name: values[each.name] for each in fields(kind) if each.name in values})
