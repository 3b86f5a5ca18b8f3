"""What RViz and Foxglove would show, and where: read from the files in config/ that open them."""

import json
import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

CONFIG = Path(__file__).resolve().parent.parent / "config"
RVIZ_FOV = 45.0  # degrees, up and down
KINDS = {
    "Image": "image",
    "3D": "space",
    "Plot": "plot",
    "DiagnosticSummary": "diagnostics",
    "RawMessages": "message",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a window, in shares of its width and height from its top left corner."""

    left: float
    top: float
    width: float
    height: float

    def beside(self, share: float, row: bool) -> "tuple[Place, Place]":
        """Two parts, side by side in a row or one above the other; share: that of the first one."""
        if row:
            first = self.width * share
            rest = Place(self.left + first, self.top, self.width - first, self.height)
            return Place(self.left, self.top, first, self.height), rest
        first = self.height * share
        rest = Place(self.left, self.top + first, self.width, self.height - first)
        return Place(self.left, self.top, self.width, first), rest


@dataclass(frozen=True, slots=True)
class View:
    """How space is looked at, in metres of the camera's optical frame."""

    eye: NDArray[np.float64]  # (3,)
    focus: NDArray[np.float64]  # (3,) what it looks at; z points up on the screen as far as it can
    field: float  # degrees, up and down
    grid: NDArray[np.float64]  # (N, 2, 3) lines
    axes: float  # length of those of the frame


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of the window; kind: image, space, plot, diagnostics, message or displays."""

    kind: str
    title: str
    place: Place
    values: tuple[str, ...]  # topics; of a plot each with the field's name after a dot
    view: View | None = None

    @property
    def topics(self) -> set[str]:
        if self.kind == "displays":
            return set()
        return {value.split(".")[0] for value in self.values}


def rviz_panels(path: Path = CONFIG / "tracker.rviz") -> list[Panel]:
    """The docks of the saved window, and the view of space between them."""
    config = yaml.safe_load(path.read_text())
    manager, geometry = config["Visualization Manager"], config["Window Geometry"]
    displays = {each["Name"]: each for each in manager["Displays"]}
    topics = {name: each["Topic"]["Value"] for name, each in displays.items() if "Topic" in each}
    docks = _docks(bytes.fromhex(geometry["QMainWindow State"]), geometry["Width"])
    shown = tuple(f"[x] {name}\n      {topics.get(name, '')}".rstrip() for name in displays)
    panels = [Panel("displays", "Displays", docks.pop("Displays"), shown)]
    panels += [Panel("image", name, place, (topics[name],)) for name, place in docks.items()]
    left = panels[0].place.width
    middle = Place(left, 0.0, min(place.left for place in docks.values()) - left, 1.0)
    boxes = tuple(topics[name] for name, each in displays.items() if each["Class"].endswith("/MarkerArray"))
    axes = sum(each["Length"] for each in displays.values() if each["Class"].endswith("/Axes"))
    return [*panels, Panel("space", "3D view", middle, boxes, _orbit(manager, displays["Grid"], axes))]


def _docks(state: bytes, width: int) -> dict[str, Place]:
    """Docked widgets of a saved QMainWindow: each area says its columns, each dock its name and height."""
    found = {}
    for area in re.finditer(rb"\0\0\0([\0\1])(.{4})(.{4})\xfc\x02(.{4})", state, re.DOTALL):
        columns, rows, count = struct.unpack(">3i", b"".join(area.groups()[1:]))
        left, at, top = (0.0 if area[1] == b"\0" else 1 - columns / width), area.end(), 0
        for _ in range(count):
            (length,) = struct.unpack_from(">i", state, at + 1)
            name = state[at + 5 : at + 5 + length].decode("utf-16-be")
            (height,) = struct.unpack_from(">i", state, at + 5 + length + 5)  # after visibility and position
            found[name] = Place(left, top / rows, columns / width, height / rows)
            at, top = at + 5 + length + 17, top + height
    return found


def _orbit(manager: Mapping[str, Any], grid: Mapping[str, Any], axes: float) -> View:
    """RViz turns about z of its fixed frame: yaw from x towards y, pitch towards z."""
    view = manager["Views"]["Current"]
    focus = np.array([view["Focal Point"][axis] for axis in "XYZ"], dtype=float)
    yaw, pitch = view["Yaw"], view["Pitch"]
    back = [math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), math.sin(pitch)]
    lines = _grid_lines(grid["Plane Cell Count"], grid["Cell Size"])
    return View(focus + view["Distance"] * np.array(back), focus, RVIZ_FOV, lines, axes)


def _grid_lines(cells: int, side: float) -> NDArray[np.float64]:
    """A grid in the plane of x and z, about the origin: (2 (cells + 1), 2, 3)."""
    end = cells * side / 2
    steps = np.linspace(-end, end, cells + 1).tolist()
    along = [[(x, 0, -end), (x, 0, end)] for x in steps]
    across = [[(-end, 0, z), (end, 0, z)] for z in steps]
    return np.array(along + across, dtype=float)


def foxglove_panels(path: Path = CONFIG / "foxglove_layout.json") -> list[Panel]:
    layout = json.loads(path.read_text())
    return [
        _foxglove_panel(name, layout["configById"][name], place)
        for name, place in _tiles(layout["layout"], Place(0.0, 0.0, 1.0, 1.0))
    ]


def _tiles(tree: Any, place: Place) -> Iterator[tuple[str, Place]]:
    if isinstance(tree, str):
        yield tree, place
        return
    parts = place.beside(tree.get("splitPercentage", 50) / 100, row=tree["direction"] == "row")
    for name, part in zip(("first", "second"), parts, strict=True):
        yield from _tiles(tree[name], part)


def _foxglove_panel(name: str, config: Mapping[str, Any], place: Place) -> Panel:
    kind = KINDS[name.split("!")[0]]
    values = _values(kind, config)
    title = config.get("foxglovePanelTitle", ", ".join(values))
    return Panel(kind, title, place, values, _spherical(config) if kind == "space" else None)


def _values(kind: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    if kind == "plot":
        return tuple(each["value"] for each in config["paths"])
    if kind == "space":
        return tuple(topic for topic, each in config["topics"].items() if each["visible"])
    if kind == "image":
        return (config["imageMode"]["imageTopic"],)
    return (config["topicToRender" if kind == "diagnostics" else "topicPath"],)


def _spherical(config: Mapping[str, Any]) -> View:
    """Foxglove turns about z of the frame it follows: phi from z, theta about it, from minus y."""
    camera = config["cameraState"]
    phi, theta = math.radians(camera["phi"]), -math.radians(camera["thetaOffset"])
    back = [math.sin(phi) * math.sin(theta), -math.sin(phi) * math.cos(theta), math.cos(phi)]
    focus = np.array(camera["targetOffset"], dtype=float)
    grids = [each for each in config["layers"].values() if each["layerId"] == "foxglove.Grid"]
    lines = [_grid_lines(each["divisions"], each["size"] / each["divisions"]) for each in grids]
    grid, axes = np.vstack([np.zeros((0, 2, 3)), *lines]), config["scene"]["transforms"]["axisScale"]
    return View(focus + camera["distance"] * np.array(back), focus, camera["fovy"], grid, axes)
