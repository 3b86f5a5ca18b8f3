"""Our nodes have private names of their own: one that rclpy has too would change what rclpy keeps there."""

import ast
import inspect
import re
from pathlib import Path

import pytest
import rclpy.lifecycle.node
import rclpy.node

import s2iammask_ros

ROOM = Path(s2iammask_ros.__file__).parent
OF_RCLPY = {
    name
    for module in (rclpy.node, rclpy.lifecycle.node)
    for name in re.findall(r"self\.(_\w+)", inspect.getsource(module))
}


def nodes():
    """The classes that are nodes, by their place."""
    for path in sorted(ROOM.rglob("*.py")):
        for each in ast.walk(ast.parse(path.read_text())):
            if isinstance(each, ast.ClassDef) and any("Node" in ast.unparse(base) for base in each.bases):
                yield pytest.param(each, id=f"{path.stem}.{each.name}")


def private_names(node):
    """What a class defines, or sets on itself, that begins with an underscore."""
    methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
    values = {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and ast.unparse(each.value) == "self"
    }
    return {name for name in methods | values if name.startswith("_") and not name.endswith("__")}


@pytest.mark.parametrize("node", nodes())
def test_a_node_takes_no_private_name_of_rclpys(node):
    assert not private_names(node) & OF_RCLPY
