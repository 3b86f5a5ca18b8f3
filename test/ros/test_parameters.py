"""Parameters come from the settings, each with its meaning and range."""

from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from rcl_interfaces.msg import Log
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.exceptions import InvalidParameterValueException
from rclpy.parameter import Parameter

from s2iammask_core import RuntimeConfig, Tracker, TrackerConfig
from s2iammask_core.errors import ConfigError
from s2iammask_ros.settings import NodeConfig
from s2iammask_ros.tools import parameter_file

ROOT = Path(__file__).parent.parent.parent


def defaults():
    kinds = (NodeConfig, TrackerConfig, RuntimeConfig)
    pairs = {field.name: field.default for kind in kinds for field in fields(kind)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in pairs.items()}


def set_parameter(world, name, value):
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    (result,) = world.call(SetParameters, "tracker/set_parameters", request).results
    return result


def test_the_parameter_file_is_the_one_that_the_settings_give():
    """After a change of settings: python -m s2iammask_ros.tools.parameter_file > config/tracker.yaml."""
    assert (ROOT / "config" / "tracker.yaml").read_text() == parameter_file.text()


def test_the_parameter_file_holds_all_parameters_with_their_defaults():
    assert yaml.safe_load(parameter_file.text())["/**"]["ros__parameters"] == defaults()


def test_every_parameter_is_described(world, make_node):
    make_node(autostart=False)
    names = list(defaults())

    answer = world.call(
        DescribeParameters, "tracker/describe_parameters", DescribeParameters.Request(names=names)
    )

    described = {each.name: each for each in answer.descriptors}
    assert all(each.description for each in described.values())
    assert described["cameras"].read_only
    assert not described["weights"].read_only
    assert not described["mask_threshold"].read_only
    (bounds,) = described["mask_threshold"].floating_point_range
    assert (bounds.from_value, bounds.to_value) == (0.0, 1.0)
    assert "raw, compressed" in described["image_transport"].additional_constraints


def test_a_threshold_changes_while_tracking(world, tracking, scene, colours):
    node, camera = tracking()

    result = set_parameter(world, "vote_fraction", 0.8)
    before = node.counts().processed
    world.spin_until(
        lambda: node.counts().processed > before + 1,
        lambda: camera.show(scene((100, 80, 60, 40, colours[0]))),
    )

    assert result.successful, result.reason
    assert node.pipeline.cameras[""].targets.tracker.config.vote_fraction == 0.8


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("mask_threshold", 1.5, "range"),
        ("lost_below", 0.9, "thresholds must rise"),
        ("size_change", "stretch", "rescale, stop"),
        ("cameras", ["front"], "read-only"),
        ("mask_threshold", "much", "type"),
        ("no_such_parameter", 1, "declared"),
    ],
)
def test_a_bad_value_is_refused_with_the_reason(world, make_node, name, value, reason):
    node = make_node(autostart=False)
    before = node.tracker_config

    result = set_parameter(world, name, value)

    assert not result.successful
    assert reason in result.reason
    assert node.tracker_config is before


def test_a_value_out_of_range_stops_the_node_at_once(world, make_node):
    with pytest.raises(InvalidParameterValueException, match="context"):
        make_node(context=9.0)

    assert world.robot.get_node_names() == ["robot"]


def test_what_is_read_in_configuring_changes_before_it_and_is_refused_with_the_way_after_it(
    world, make_node, network
):
    asked = []

    def remember(weights, config, runtime):
        asked.append((weights, config.search_pixels, runtime.threads))
        return Tracker.of(network, config)

    node = make_node(remember, autostart=False)
    for name, value in (("weights", "other"), ("search_pixels", 287), ("threads", 1)):
        assert set_parameter(world, name, value).successful
    node.trigger_configure()
    node.trigger_activate()

    result = set_parameter(world, "weights", "third")

    assert asked == [("other", 287, 1)]
    assert not result.successful
    assert "weights cannot change while the node is active" in result.reason
    assert "ros2 lifecycle set /tracker cleanup" in result.reason
    node.trigger_deactivate()
    assert not set_parameter(world, "device", "cpu").successful
    node.trigger_cleanup()
    assert set_parameter(world, "weights", "third").successful


def test_a_parameter_that_does_not_exist_is_answered_with_the_nearest_one(world, make_node):
    log = world.listen(Log, "/rosout", latched=True)

    make_node(autostart=False, proposls=3)

    world.spin_until(lambda: [each for each in log if "'proposls'" in each.msg])
    (said,) = [each for each in log if "'proposls'" in each.msg]
    assert said.level == Log.WARN
    assert "Did you mean 'proposals'?" in said.msg


@pytest.mark.parametrize("names", [["front", "front"], ["a/b"], ["front", ""], ["0"]])
def test_names_of_cameras_must_be_good_and_distinct(make_node, names):
    with pytest.raises(ConfigError, match="camera"):
        make_node(cameras=names)
