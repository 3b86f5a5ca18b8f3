"""The direction of imports: up through the layers, never sideways, and no ROS in the core."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LEAVES = {
    *("errors", "config", "cache", "command_line", "devices", "manifest", "memory", "runs", "worker"),
    *("boxes", "box_ops", "anchors", "geometry", "sampling", "scene"),
}
MAY_IMPORT = {  # layer of the core: the layers under it, besides itself
    **dict.fromkeys(LEAVES, LEAVES),
    "model": LEAVES | {"files"},
    "tracking": LEAVES,
    "files": LEAVES,
    "data": LEAVES | {"files", "spread"},
    "clip": LEAVES | {"files"},
    "overlay": LEAVES | {"tracking"},
    "sinks": LEAVES | {"files", "overlay", "tracking"},
    "page": LEAVES | {"files", "sinks", "tracking"},
    "spread": LEAVES,
    "batch": LEAVES | {"files", "spread", "tracking", "overlay"},
    "training": LEAVES | {"files", "model", "data"},
    "runtime": LEAVES | {"model", "tracking"},
    "bench": LEAVES | {"model", "tracking", "runtime"},
    # load_tracker is the runtime's public name
    "evaluation": LEAVES | {"files", "tracking", "overlay", "runtime", "spread", "load_tracker"},
}
NEEDED = {"settings", "messages"}
ROOMS = {  # of the node: what each may import besides itself; the files above them may import them all
    "settings": set(),
    "messages": set(),
    "images": NEEDED,
    "targets": NEEDED | {"images"},
    "outputs": NEEDED | {"images", "targets"},
    "page": NEEDED | {"images", "parameters"},
    "health": NEEDED | {"images"},
}
PROTOCOL = "s2iammask_core.tracking.network"  # all that tracking and model know of each other
HIDDEN_FROM_THE_NODE = {"model", "training", "data", "cli"}
ROS = {"ament_index_python", "cv_bridge", "launch", "launch_ros", "rclpy", "s2iammask", "s2iammask_ros"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported_modules(module: Path) -> set[str]:
    """Dotted names; `from a import b` counts as a.b, since b may be a module."""
    nodes = list(ast.walk(ast.parse(module.read_text())))
    plain = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return plain | {f"{node.module}.{name.name}" for node in froms for name in node.names}


def imported_layers(module: Path) -> set[str]:
    """The parts of the core that a module imports; of `s2iammask_core` itself, the imported name."""
    names = [name.split(".") for name in imported_modules(module) if not name.startswith(PROTOCOL)]
    return {parts[1] if len(parts) > 1 else "" for parts in names if parts[0] == "s2iammask_core"}


def imported_rooms(module: Path) -> set[str]:
    """The parts of the node that a module imports."""
    names = [name.split(".") for name in imported_modules(module)]
    return {parts[1] for parts in names if parts[0] == "s2iammask_ros" and len(parts) > 1}


def is_ros(name: str) -> bool:
    root = name.split(".")[0]
    return root in ROS or root.endswith(("_msgs", "_interfaces", "_srvs"))


def layer_of(module: Path) -> str:
    """Of the core; of the node, the room."""
    return module.relative_to(ROOT).parts[1].removesuffix(".py")


@pytest.mark.parametrize("module", modules("s2iammask_core"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_does_not_import_ros(module):
    assert not {name for name in imported_modules(module) if is_ros(name)}


@pytest.mark.parametrize(
    "module",
    [path for path in modules("s2iammask_core") if layer_of(path) not in {"cli", "__init__", "__main__"}],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_layer_imports_only_the_layers_under_it(module):
    layer = layer_of(module)
    assert imported_layers(module) <= MAY_IMPORT[layer] | {layer}


@pytest.mark.parametrize(
    "module",
    [path for path in modules("s2iammask_ros") if layer_of(path) in ROOMS],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_room_of_the_node_imports_only_the_rooms_before_it(module):
    room = layer_of(module)
    assert imported_rooms(module) <= ROOMS[room] | {room}


@pytest.mark.parametrize(
    "module",
    [path for path in modules("s2iammask_ros") if layer_of(path) not in {"tools", "replay"}],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_nothing_in_the_node_needs_its_tools(module):
    assert "tools" not in imported_rooms(module)


@pytest.mark.parametrize("module", modules("s2iammask_ros"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_node_uses_what_the_core_offers_and_not_how_it_is_made(module):
    assert not imported_layers(module) & HIDDEN_FROM_THE_NODE


@pytest.mark.parametrize("module", modules("s2iammask_ros"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_node_does_not_import_pytorch(module):
    assert not {name for name in imported_modules(module) if name.split(".")[0] in {"torch", "torchvision"}}


@pytest.mark.parametrize("package", ["s2iammask_core", "s2iammask_ros"])
def test_imports_are_absolute(package):
    nodes = [node for module in modules(package) for node in ast.walk(ast.parse(module.read_text()))]
    assert not [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
