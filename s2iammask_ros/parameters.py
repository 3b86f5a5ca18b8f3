"""ROS parameters made from settings dataclasses, so that each default, meaning and range is written once."""

import difflib
from collections.abc import Mapping
from dataclasses import Field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from s2iammask_core import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import ConfigError
from s2iammask_ros.settings import NodeConfig

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")
UNBOUNDED = 1e308
AT_START = ("autostart", "cameras", "report_period")  # what the node itself is made of
LOADED = tuple(  # what is read in configuring
    field.name
    for kind in (NodeConfig, TrackerConfig, RuntimeConfig)
    for field in fields(kind)
    if not field.metadata["live"] and field.name not in AT_START
)


def declare(node: Node, kind: type[Settings]) -> Settings:
    """Declares one parameter per field of a settings dataclass, and returns the values in force.

    Raises ConfigError or rclpy's InvalidParameterValueException, with the parameter's name, for a bad value.
    """
    values = {
        f.name: _plain(node.declare_parameter(f.name, _value(f), describe(f)).value) for f in fields(kind)
    }
    return kind(**values)


def _value(field: "Field[Any]") -> Any:
    return list(field.default) if isinstance(field.default, tuple) else field.default


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def describe(field: "Field[Any]") -> ParameterDescriptor:
    """What `ros2 param describe` shows, and the range that rclpy enforces."""
    meaning, low, high = field.metadata["meaning"], field.metadata["low"], field.metadata["high"]
    choices = field.metadata["choices"]
    descriptor = ParameterDescriptor(description=meaning, read_only=field.name in AT_START)
    if choices:
        descriptor.additional_constraints = "one of " + ", ".join(choices)
    if low is None and high is None:
        return descriptor
    if isinstance(field.default, float):
        low, high = (-UNBOUNDED if low is None else low), (UNBOUNDED if high is None else high)
        descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
    else:
        descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
    return descriptor


def changed(settings: Settings, parameters: Mapping[str, Any]) -> Settings:
    """The settings with those parameters that are theirs; ConfigError if one of them does not fit."""
    known = {f.name for f in fields(settings)}
    own = {name: value for name, value in parameters.items() if name in known}
    return replace(settings, **own) if own else settings


def unknown(node: Node) -> list[str]:
    """What is said about each parameter that was given on start and does not exist."""
    known = set(node._parameters)
    foreign = [
        name
        for name in node._parameter_overrides
        if name not in known and not name.startswith(("qos_overrides.", "diagnostic_updater."))
    ]
    near = {name: difflib.get_close_matches(name, known, n=1) for name in foreign}
    return [
        f"there is no parameter {name!r}; it has no effect"
        + (f". Did you mean {near[name][0]!r}?" if near[name] else "")
        for name in foreign
    ]


def refused(error: ConfigError) -> SetParametersResult:
    return SetParametersResult(successful=False, reason=str(error))


def values_of(parameters: list[Parameter]) -> dict[str, Any]:
    return {parameter.name: parameter.value for parameter in parameters}
