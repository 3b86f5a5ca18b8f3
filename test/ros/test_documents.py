"""What the documents tell a reader to type exists: in the graph of a running node, or in the package.

Where the tools of ROS 2 are installed, they run the lines that ask a running node.
"""

import ast
import importlib
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
import yaml
from ament_index_python.packages import get_package_prefix
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.action import get_action_names_and_types
from rclpy.parameter import Parameter

from s2iammask_ros.page.settings import PageConfig
from s2iammask_ros.parameters import LOADED
from s2iammask_ros.tools import replay

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ABOUT_THE_NODE = [each for each in DOCUMENTS if each.name in {"README.md", "follow.md", "page.md", "ros.md"}]
BLOCK = re.compile(r"^ {4}(ros2 (?:\\\n|[^\n])*)", re.MULTILINE)
COMMENT = re.compile(r"\s{2,}#.*")
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
NESTED = re.compile(r"\$\((ros2 [^)]*)\)")
OTHERS = {"bag", "security"}  # tools that know nothing of this package
ASKING = {("lifecycle", "get"), ("param", "describe"), ("param", "set"), ("service", "call")}
REMAPPED = re.compile(r"-r (\S+):=")


@dataclass(frozen=True)
class Command:
    """A line as it is typed, and the document that it stands in."""

    document: Path
    text: str

    @property
    def words(self):
        """Without `ros2` itself."""
        return shlex.split(self.text.replace("\\\n", " "))[1:]

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


def is_placeholder(word):
    """NAME, BAG, [...] and the like stand for what the reader fills in."""
    return word == "..." or re.fullmatch(r"[A-Z][A-Z_]+", word) is not None


def given(words):
    """The parts of `name:=value` among words."""
    return dict(word.split(":=", 1) for word in words if ":=" in word)


def words_of(*verbs):
    found = [each for each in all_commands() if tuple(each.words[: len(verbs)]) == verbs]
    assert found, f"no document has a line of ros2 {' '.join(verbs)}"
    return pytest.mark.parametrize("command", found, ids=str)


@pytest.fixture
def start(make_node, world):
    """A node as the command needs it, and its graph."""

    def begin(command):
        cameras = ["front", "rear"] if "/front/" in command.text or "/rear/" in command.text else [""]
        unconfigured = any(f" {name} " in command.text for name in LOADED) or " configure" in command.text
        node = make_node(cameras=cameras, depth=True, publish_tf=True, hints=True, autostart=not unconfigured)
        wanted = "unconfigured" if unconfigured else "active"
        world.spin_until(lambda: node.state == wanted)
        world.spin_until(lambda: "/tracker/get_state" in dict(world.robot.get_service_names_and_types()))
        return node

    return begin


def kind_of(name):
    """The class of package/kind/Name."""
    package, kind, message = name.split("/")
    return getattr(importlib.import_module(f"{package}.{kind}"), message)


def check_fields(kind, values, where="message"):
    """Whether a message has such fields, with values that they take."""
    if values is None or (isinstance(values, str) and is_placeholder(values)):
        return
    types = kind.get_fields_and_field_types()
    for name, value in values.items():
        assert name in types, f"{where} of type {kind.__name__} has no field {name}"
        inner = re.search(r"(\w+)/(\w+)", types[name])
        parts = value if isinstance(value, list) else [value]
        if inner is None:
            assert parts == ["..."] or setattr(kind(), name, value) is None
            continue
        for part in parts:
            check_fields(kind_of(f"{inner[1]}/msg/{inner[2]}"), part, f"{where}.{name}")


@words_of("service", "call")
def test_a_service_that_is_called_exists_with_its_type_and_fields(world, start, command):
    start(command)
    _, _, name, kind, *values = command.words

    world.spin_until(lambda: name in dict(world.robot.get_service_names_and_types()))
    assert dict(world.robot.get_service_names_and_types())[name] == [kind]
    check_fields(kind_of(kind).Request, yaml.safe_load(values[0]) if values else None)


@words_of("action", "send_goal")
def test_an_action_that_is_asked_for_exists_with_its_type_and_fields(world, start, command):
    start(command)
    name, kind, values = [word for word in command.words[2:] if not word.startswith("--")]

    world.spin_until(lambda: name in dict(get_action_names_and_types(world.robot)))
    assert dict(get_action_names_and_types(world.robot))[name] == [kind]
    check_fields(kind_of(kind).Goal, yaml.safe_load(values))


@words_of("topic", "echo")
def test_a_topic_that_is_looked_at_is_published(world, start, command):
    start(command)
    name = command.words[2]

    launched = [each.words[2] for each in commands(command.document) if each.words[:1] == ["launch"]]
    defaults = {value for file in launched for value in launch_arguments(file).values()}
    assert name in defaults or name in dict(world.robot.get_topic_names_and_types())
    assert set(command.words[3:]) <= {"--once", "--no-arr"}


@words_of("param", "describe")
def test_a_parameter_that_is_described_exists(world, start, command):
    start(command)
    _, _, node, *names = command.words

    request = DescribeParameters.Request(names=[name for name in names if not is_placeholder(name)])
    answer = world.call(DescribeParameters, f"{node}/describe_parameters", request)
    assert [each.name for each in answer.descriptors] == request.names
    assert all(each.description for each in answer.descriptors)


@words_of("param", "set")
def test_a_parameter_can_be_set_as_it_is_typed(world, start, command):
    start(command)
    _, _, node, name, text = command.words

    value = Parameter(name, value=yaml.safe_load(text)).get_parameter_value()
    request = SetParameters.Request(parameters=[ParameterMessage(name=name, value=value)])
    (result,) = world.call(SetParameters, f"{node}/set_parameters", request).results
    assert result.successful, result.reason


@words_of("lifecycle", "get")
def test_the_state_can_be_asked_for(world, start, command):
    start(command)

    answer = world.call(GetState, f"{command.words[2]}/get_state", GetState.Request())
    assert answer.current_state.label == "active"


@words_of("lifecycle", "set")
def test_a_transition_leads_where_it_says(world, start, command):
    start(command)
    _, _, node, label = command.words

    asked = GetAvailableTransitions.Request()
    answer = world.call(GetAvailableTransitions, f"{node}/get_available_transitions", asked)
    assert label in [each.transition.label for each in answer.available_transitions]
    request = ChangeState.Request(transition=Transition(label=label))
    assert world.call(ChangeState, f"{node}/change_state", request).success


@words_of("launch")
def test_a_launch_file_has_the_arguments_that_it_is_given(command):
    package, file, *words = command.words[1:]

    assert package == "s2iammask"
    assert given(words).keys() <= launch_arguments(file).keys()
    assert {word for word in words if ":=" not in word} <= {"--show-args"}


@words_of("run")
def test_a_program_takes_what_it_is_given(make_node, command):
    package, program, *words = command.words[1:]

    folder = Path(get_package_prefix(package)) / "lib" / package
    assert (folder / program).is_file()
    own, _, of_ros = " ".join(words).partition("--ros-args")
    assert not own or program == "replay"
    if own:
        replay.arguments().parse_args(command.words[3:])
    assert set(REMAPPED.findall(of_ros)) <= {"image", "tracker/click"}


@words_of("pkg", "prefix")
def test_a_package_that_is_looked_for_is_installed(command):
    assert get_package_prefix(command.words[2])


def test_no_line_is_left_out():
    known = {"action", "launch", "lifecycle", "param", "pkg", "run", "service", "topic"}
    assert {each.words[0] for each in all_commands()} <= known | OTHERS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_in_lines_exist(document):
    text = " ".join(each.text for each in commands(document))
    assert [name for name in re.findall(r"\bconfig/[\w.]+", text) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", ABOUT_THE_NODE, ids=lambda path: path.name)
def test_what_sentences_name_exists_in_a_node(world, make_node, document):
    node = make_node(depth=True, publish_tf=True, hints=True)
    world.spin_until(lambda: node.state == "active")
    names = {*dict(node.get_topic_names_and_types()), *dict(node.get_service_names_and_types())}
    names |= {*dict(get_action_names_and_types(node))}
    known = {*node._parameters, *launch_arguments("tracker.launch.py")}
    known |= {field.name for field in fields(PageConfig)}

    said = spans(document)
    private = {span for span in said if re.fullmatch(r"~/[a-z_0-9]+", span)}
    settings = {match[1] for span in said if (match := re.fullmatch(r"([a-z_]+)(?::=| ?: )\S+", span))}

    assert {name for name in private if f"/tracker/{name[2:]}" not in names} == set()
    assert settings - known == set()


@pytest.mark.skipif(not shutil.which("ros2"), reason="the tools of ROS 2 are not installed")
@pytest.mark.parametrize(
    "command", [each for each in all_commands() if tuple(each.words[:2]) in ASKING], ids=str
)
def test_the_tools_of_ros_do_what_the_lines_say(world, start, begin_process, command):
    if any(is_placeholder(word) or "..." in word for word in command.words):
        pytest.skip("it has a part that the reader fills in")
    start(command)

    process = begin_process(["ros2", *command.words], stdout=subprocess.PIPE)
    world.spin_until(lambda: process.poll() is not None, seconds=60)

    said, errors = process.communicate()
    assert process.returncode == 0, said + errors
    assert "not set" not in said
    assert "Setting parameter failed" not in said + errors
