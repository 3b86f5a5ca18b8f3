"""The lines of ros2 that the documents tell a reader to type, and a node that is as they need it."""

import ast
import os
import re
import shlex
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from s2iammask_core.runtime import weights_file
from s2iammask_ros.parameters import LOADED

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^ {4}(ros2 (?:\\\n|[^\n])*)", re.MULTILINE)
COMMENT = re.compile(r"\s{2,}#.*")
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
NESTED = re.compile(r"\$\((ros2 [^)]*)\)")

BOXES = "[{center: {position: {x: 320.0, y: 240.0}}, size_x: 80.0, size_y: 60.0}]"
FILLED = {"NAME": "max_age", "[...]": BOXES, "BAG": "bag", "OUT": "out"}  # what a reader fills in


@dataclass(frozen=True)
class Command:
    """A line as it is typed, and the document that it stands in."""

    document: Path
    text: str

    @property
    def words(self):
        """Without `ros2` itself."""
        return shlex.split(self.text.replace("\\\n", " "))[1:]

    @property
    def arguments(self):
        """What is given as `name:=value`, for a launch file or as a rule for a name."""
        return dict(word.split(":=", 1) for word in self.words if ":=" in word)

    def begins(self, line):
        return " ".join(self.words).startswith(line)

    def __str__(self):
        return f"{self.document.name}: {' '.join(self.text.split())[:70]}"


def spans(document):
    """What is set as code in the sentences of a document."""
    sentences = re.sub(r"^ {4}.*$", "", document.read_text(), flags=re.MULTILINE)
    return [" ".join(each.split()) for each in SPAN.findall(sentences)]


def commands(document):
    """Those of ros2, in blocks and in sentences."""
    found = [COMMENT.sub("", each) for each in BLOCK.findall(document.read_text())]
    found += [each for each in spans(document) if each.startswith("ros2 ") and len(each.split()) > 2]
    found += [each for span in spans(document) for each in NESTED.findall(span)]
    return [Command(document, each) for each in found]


def all_commands():
    return [command for document in DOCUMENTS for command in commands(document)]


def launch_arguments(name):
    """What a launch file declares, with defaults where they are plain texts."""
    tree = ast.parse((ROOT / "launch" / name).read_text())
    (table,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ARGUMENTS"
    ]
    defaults = [each.elts[0] for each in table.values]
    return {
        key.value: getattr(default, "value", None) for key, default in zip(table.keys, defaults, strict=True)
    }


def pytest_generate_tests(metafunc):
    """A test with a mark `typed` is run for each command of the documents that begins so."""
    mark = metafunc.definition.get_closest_marker("typed")
    if mark is not None:
        found = [each for each in all_commands() if any(each.begins(line) for line in mark.args)]
        assert found, f"no document has a line of ros2 {' or '.join(mark.args)}"
        metafunc.parametrize("command", found, ids=str)


@pytest.fixture
def documents():
    return SimpleNamespace(
        root=ROOT,
        all=DOCUMENTS,
        spans=spans,
        commands=commands,
        all_commands=all_commands,
        launch_arguments=launch_arguments,
    )


@pytest.fixture
def start(make_node, world):
    """A node as the command needs it, and its graph."""

    def begin(command, **options):
        cameras = ["front", "rear"] if "/front/" in command.text or "/rear/" in command.text else [""]
        unconfigured = any(f" {name} " in command.text for name in LOADED) or " configure" in command.text
        given = {"depth": True, "publish_tf": True, "hints": True, **options}
        node = make_node(cameras=cameras, autostart=not unconfigured, **given)
        wanted = "unconfigured" if unconfigured else "active"
        world.spin_until(lambda: node.state == wanted)
        world.spin_until(lambda: "/tracker/get_state" in dict(world.robot.get_service_names_and_types()))
        return node

    return begin


class Line:
    """A line in a shell of its own, as in a terminal, and what it has said so far."""

    def __init__(self, process, log):
        self.process, self._log = process, log

    @property
    def said(self):
        return self._log.read_text()

    def ended(self):
        return self.process.poll() is not None

    def interrupt(self):
        """What Ctrl-C does: all that runs in the terminal gets the signal."""
        os.killpg(self.process.pid, signal.SIGINT)


@pytest.fixture(scope="module")
def daemon():
    """That of the tools, which they begin by themselves."""
    yield
    subprocess.run(["ros2", "daemon", "stop"], capture_output=True, check=False)


@pytest.fixture
def folder(tmp_path, documents):
    """What the documents take to be there."""
    (tmp_path / "config").symlink_to(documents.root / "config")
    (tmp_path / "exported").symlink_to(weights_file().with_suffix(""))
    return tmp_path


@pytest.fixture
def begin(begin_process, folder):
    """Begins a line; those that still run in the end get Ctrl-C, as ros2 launch leaves orphans otherwise."""
    lines = []

    def begin(text):
        for placeholder, value in FILLED.items():
            text = re.sub(rf"(?<!\w){re.escape(placeholder)}(?!\w)", value, text)
        log = folder / f"said{len(lines)}.txt"
        with log.open("w") as file:
            shell = ["bash", "-c", f"exec {text}"]
            lines.append(Line(begin_process(shell, stdout=file, stderr=subprocess.STDOUT, cwd=folder), log))
        return lines[-1]

    yield begin
    running = [line for line in lines if not line.ended()]
    for line in running:
        line.interrupt()
    for line in running:
        line.process.wait(30)
