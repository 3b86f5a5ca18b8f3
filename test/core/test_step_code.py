"""Code of a step asks the device for no value and makes no tensor from the host's numbers."""

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[2] / "s2iammask_core"
OF_A_STEP = {"step", "voting", "sharing", "proposals", "sampling", "memory", "colour_evidence", "box_ops"}
MODULES = [path for path in sorted(CORE.rglob("*.py")) if path.stem in OF_A_STEP]
WAITING = {"item", "tolist", "cpu", "numpy", "nonzero", "is_nonzero", "unique", "masked_select", "tensor"}


ONCE = {"__init__", "begin"}  # what makes a network


def waits(source: str) -> set[str]:
    tree = ast.parse(source)
    once = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in ONCE]
    left_out = {inner for node in once for inner in ast.walk(node)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node not in left_out]
    return {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)} & WAITING


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_a_step_never_waits_for_the_host(module):
    assert not waits(module.read_text())


def test_what_waits_is_seen():
    assert waits("x = torch.tensor([1]).item() + y.cpu()[0].tolist()") == {"tensor", "item", "cpu", "tolist"}
    assert {path.stem for path in MODULES} >= {"step", "voting", "sharing", "proposals", "sampling"}
