"""What the documents tell a reader to type exists: in the graph of a running node, or in the package."""

import importlib
import re
from dataclasses import fields
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
from s2iammask_ros.tools import replay

TRIED = {"action", "launch", "lifecycle", "param", "pkg", "run", "service", "topic"}
OTHERS = {"bag", "security"}  # they know nothing of this package


def is_placeholder(word):
    """NAME, BAG, [...] and the like stand for what the reader fills in."""
    return word == "..." or re.fullmatch(r"[A-Z][A-Z_]+", word) is not None


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


@pytest.mark.typed("service call")
def test_a_service_that_is_called_exists_with_its_type_and_fields(world, start, command):
    start(command)
    _, _, name, kind, *values = command.words

    world.spin_until(lambda: name in dict(world.robot.get_service_names_and_types()))
    assert dict(world.robot.get_service_names_and_types())[name] == [kind]
    check_fields(kind_of(kind).Request, yaml.safe_load(values[0]) if values else None)


@pytest.mark.typed("action send_goal")
def test_an_action_that_is_asked_for_exists_with_its_type_and_fields(world, start, command):
    start(command)
    name, kind, values = [word for word in command.words[2:] if not word.startswith("--")]

    world.spin_until(lambda: name in dict(get_action_names_and_types(world.robot)))
    assert dict(get_action_names_and_types(world.robot))[name] == [kind]
    check_fields(kind_of(kind).Goal, yaml.safe_load(values))


@pytest.mark.typed("topic echo")
def test_a_topic_that_is_looked_at_is_published(world, start, command, documents):
    start(command)
    name = command.words[2]

    launched = [each.words[2] for each in documents.commands(command.document) if each.begins("launch")]
    defaults = {value for file in launched for value in documents.launch_arguments(file).values()}
    assert name in defaults or name in dict(world.robot.get_topic_names_and_types())
    assert set(command.words[3:]) <= {"--once", "--no-arr"}


@pytest.mark.typed("param describe")
def test_a_parameter_that_is_described_exists(world, start, command):
    start(command)
    _, _, node, *names = command.words

    request = DescribeParameters.Request(names=[name for name in names if not is_placeholder(name)])
    answer = world.call(DescribeParameters, f"{node}/describe_parameters", request)
    assert [each.name for each in answer.descriptors] == request.names
    assert all(each.description for each in answer.descriptors)


@pytest.mark.typed("param set")
def test_a_parameter_can_be_set_as_it_is_typed(world, start, command):
    start(command)
    _, _, node, name, text = command.words

    value = Parameter(name, value=yaml.safe_load(text)).get_parameter_value()
    request = SetParameters.Request(parameters=[ParameterMessage(name=name, value=value)])
    (result,) = world.call(SetParameters, f"{node}/set_parameters", request).results
    assert result.successful, result.reason


@pytest.mark.typed("lifecycle get")
def test_the_state_can_be_asked_for(world, start, command):
    start(command)

    answer = world.call(GetState, f"{command.words[2]}/get_state", GetState.Request())
    assert answer.current_state.label == "active"


@pytest.mark.typed("lifecycle set")
def test_a_transition_leads_where_it_says(world, start, command):
    start(command)
    _, _, node, label = command.words

    asked = GetAvailableTransitions.Request()
    answer = world.call(GetAvailableTransitions, f"{node}/get_available_transitions", asked)
    assert label in [each.transition.label for each in answer.available_transitions]
    request = ChangeState.Request(transition=Transition(label=label))
    assert world.call(ChangeState, f"{node}/change_state", request).success


@pytest.mark.typed("launch")
def test_a_launch_file_has_the_arguments_that_it_is_given(command, documents):
    package, file, *words = command.words[1:]

    assert package == "s2iammask"
    assert command.arguments.keys() <= documents.launch_arguments(file).keys()
    assert {word for word in words if ":=" not in word} <= {"--show-args"}


@pytest.mark.typed("run")
def test_a_program_takes_what_it_is_given(make_node, command):
    package, program, *words = command.words[1:]

    folder = Path(get_package_prefix(package)) / "lib" / package
    assert (folder / program).is_file()
    own, _, of_ros = " ".join(words).partition("--ros-args")
    assert not own or program == "replay"
    if own:
        replay.arguments().parse_args(command.words[3:])
    assert set(re.findall(r"-r (\S+):=", of_ros)) <= {"image", "tracker/click"}


@pytest.mark.typed("pkg prefix")
def test_a_package_that_is_looked_for_is_installed(command):
    assert get_package_prefix(command.words[2])


def test_no_line_is_left_out(documents):
    assert {each.words[0] for each in documents.all_commands()} <= TRIED | OTHERS


def test_files_that_are_named_in_lines_exist(documents):
    text = " ".join(each.text for each in documents.all_commands())
    named = re.findall(r"\bconfig/[\w.]+", text)
    assert named
    assert [name for name in named if not (documents.root / name).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "docs/follow.md", "docs/page.md", "docs/ros.md"])
def test_what_sentences_name_exists_in_a_node(world, make_node, documents, name):
    node = make_node(depth=True, publish_tf=True, hints=True)
    world.spin_until(lambda: node.state == "active")
    names = {*dict(node.get_topic_names_and_types()), *dict(node.get_service_names_and_types())}
    names |= {*dict(get_action_names_and_types(node))}
    known = {*node._parameters, *documents.launch_arguments("tracker.launch.py")}
    known |= {field.name for field in fields(PageConfig)}

    said = documents.spans(documents.root / name)
    private = {span for span in said if re.fullmatch(r"~/[a-z_0-9]+", span)}
    settings = {match[1] for span in said if (match := re.fullmatch(r"([a-z_]+)(?::=| ?: )\S+", span))}

    assert {each for each in private if f"/tracker/{each[2:]}" not in names} == set()
    assert settings - known == set()
