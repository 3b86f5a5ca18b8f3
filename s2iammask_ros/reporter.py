"""Publishes diagnostics and latency once in a while, in every state of the node."""

from typing import Any, Protocol

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # Humble has both here only
from rclpy.node import Node
from std_msgs.msg import Header

from s2iammask_ros.device import memory_in_use
from s2iammask_ros.health.diagnostics import (
    ERROR,
    OK,
    Report,
    depth_text,
    loses_images,
    loss_text,
    status,
    stream_status,
)
from s2iammask_ros.messages.stamps import time_message
from s2iammask_ros.pipeline import Pipeline
from s2iammask_ros.settings import NodeConfig


class Reported(Protocol):
    """What the reporter reads of the node."""

    failure: str

    @property
    def ros(self) -> Node: ...

    @property
    def settings(self) -> NodeConfig: ...

    @property
    def pipeline(self) -> Pipeline | None: ...

    def now(self) -> int: ...


class Reporter:
    """Two kinds of status: the device with the node's state, and the stream of each camera."""

    def __init__(self, node: Reported, period: float) -> None:
        self._node = node
        self._warned: set[tuple[str, str]] = set()  # cameras, and what was warned of
        self._before: set[tuple[str, str]] = set()  # the same of what the last report had
        self._publisher = node.ros.create_publisher(DiagnosticArray, "/diagnostics", 10)
        # not the node's clock: with use_sim_time that stands still while a bag is paused
        node.ros.create_timer(period, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _report(self) -> None:
        pipeline, header = self._node.pipeline, Header(stamp=time_message(self._node.now()))
        found = [self._device_status(pipeline)]
        if pipeline is not None:
            pipeline.refresh()
            for name, report in pipeline.reports().items():
                label = f"{self._node.ros.get_name()}: {name or 'image'}"
                found.append(stream_status(label, report, self._node.settings))
                self._warn(label, report)
                pipeline.publish_latency(name, report, header.stamp)
        self._publisher.publish(DiagnosticArray(header=header, status=found))

    def _warn(self, label: str, report: Report) -> None:
        """Of what two reports in a row have and so does not pass by itself, once for each camera."""
        found = {"loss": loss_text(report) if loses_images(report) else "", "depth": depth_text(report)}
        present = {(label, kind): text for kind, text in found.items() if text}
        for what, text in present.items():
            if what in self._before and what not in self._warned:
                self._warned.add(what)
                self._node.ros.get_logger().warning(f"{label}: {text}")
        self._before = {what for what in self._before if what[0] != label} | present.keys()

    def _device_status(self, pipeline: Pipeline | None) -> DiagnosticStatus:
        name = f"{self._node.ros.get_name()}: device"
        if pipeline is None:
            level = ERROR if self._node.failure else OK
            return status(name, level, self._node.failure or "unconfigured", {})
        error = pipeline.faults.device_error or self._node.failure
        return status(name, ERROR if error else OK, error or "loaded", _about(pipeline))


def _about(pipeline: Pipeline) -> dict[str, Any]:
    about, memory = pipeline.engine.about, memory_in_use(pipeline.engine.device)
    return about if memory is None else {**about, "memory_mb": f"{memory:.0f}"}
