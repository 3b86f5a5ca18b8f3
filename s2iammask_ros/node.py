"""The tracker as a managed ROS 2 node."""

import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.impl.logging_severity import LoggingSeverity
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter

from s2iammask_core import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import ConfigError, S2iamMaskError, UnavailableError
from s2iammask_core.memory import trim
from s2iammask_core.runtime import weights_file
from s2iammask_ros.camera import Camera
from s2iammask_ros.device import free_memory
from s2iammask_ros.engine import Engine, MakeTracker
from s2iammask_ros.goals import TrackAction
from s2iammask_ros.health.counters import Counts
from s2iammask_ros.health.throttle import Throttle
from s2iammask_ros.managed import ManagedNode
from s2iammask_ros.parameters import LOADED, changed, declare, refused, unknown, values_of
from s2iammask_ros.pipeline import LEFT, Pipeline
from s2iammask_ros.reporter import Reporter
from s2iammask_ros.settings import NodeConfig
from s2iammask_ros.targets.services import TargetServices

Answer = TypeVar("Answer")
SHUT_DOWN = "the node was shut down"
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class TrackerNode(ManagedNode):
    """Tracks, through the images on `image`, the objects that clients name."""

    def __init__(self, make_tracker: MakeTracker, **options: Any) -> None:
        super().__init__("tracker", **options)
        self._pipeline: Pipeline | None = None
        self._loading = ""  # what is said to clients while weights are loaded
        self.actions: dict[str, TrackAction] = {}  # by camera
        try:
            self.settings = declare(self, NodeConfig)
            self.tracker_config = declare(self, TrackerConfig)
            self.runtime_config = declare(self, RuntimeConfig)
        except Exception:
            self.destroy_node()
            raise
        self.images = MutuallyExclusiveCallbackGroup()
        self.failure = ""  # why the last transition failed
        self._make_tracker = make_tracker
        self._throttle = Throttle(seconds=5.0)
        self._target_services = [TargetServices(self, self, name) for name in self.settings.cameras]
        self.actions |= {name: TrackAction(self, self, name) for name in self.settings.cameras}
        self._reporter = Reporter(self, self.settings.report_period)
        for text in unknown(self):
            self.get_logger().warning(text)
        self.add_on_set_parameters_callback(self._on_parameters)
        if self.settings.autostart:
            self.start_soon()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Loads and warms up the network."""
        begin, name = time.monotonic(), self.settings.weights or weights_file().stem
        self._loading = f"still loading weights {name} on {self.runtime_config.device}"
        self.say(f"loading weights {name} on {self.runtime_config.device}")
        try:
            engine = Engine(
                self._make_tracker, self.settings.weights, self.tracker_config, self.runtime_config
            )
            self._pipeline = Pipeline(self, engine, self.settings.cameras)
        except Exception as error:  # rclpy would pass it by without a word, here and in on_activate
            return self._failed("configure", error)
        finally:
            self._loading = ""
        self.say(f"loaded weights {name} on {engine.device} in {time.monotonic() - begin:.1f} s")
        self.failure = ""
        return SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listens and tracks from now on."""
        if self._pipeline is None:
            return FAILURE
        try:
            self._pipeline.open()
        except Exception as error:
            self._pipeline.close()
            return self._failed("activate", error)
        self.failure = ""
        topics = ", ".join(self._pipeline.topics)
        self.get_logger().info(f"active on {self._pipeline.engine.device}: tracks in {topics}")
        return SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stops all targets; the network stays loaded."""
        if self._pipeline is not None and not self._pipeline.close():
            self.fail("a step is still in progress on the device")
        return SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Gives the network's memory back."""
        self._clean_up()
        return SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._clean_up(SHUT_DOWN)
        return SUCCESS

    @property
    def pipeline(self) -> Pipeline | None:
        """None before configure and after cleanup."""
        return self._pipeline

    @property
    def max_targets(self) -> int:
        return self.tracker_config.max_targets

    @property
    def ros(self) -> Node:
        return self

    def now(self) -> int:
        """Nanoseconds on the node's clock, which is that of /clock with use_sim_time."""
        return int(self.get_clock().now().nanoseconds)

    def counts(self, camera: str = "") -> Counts:
        """Where the images of a camera went since activation."""
        cameras = self._pipeline.cameras if self._pipeline is not None else {}
        return cameras[camera].counters.counts if camera in cameras else Counts()

    def ask(self, name: str, command: Callable[[Camera], Answer], seconds: float) -> Answer:
        """Runs a command on a camera between two frames."""
        return self._active().ask(name, command, seconds)

    def post(self, name: str, command: Callable[[Camera], object]) -> None:
        """The same without an answer, and without waiting for it."""
        self._active().post(name, command)

    def say(self, text: str) -> None:
        self.get_logger().info(text)

    def debug(self, text: Callable[[], str]) -> None:
        """Logs what is only worth making if somebody reads it."""
        if self.get_logger().is_enabled_for(LoggingSeverity.DEBUG):
            self.get_logger().debug(text())

    def warn(self, text: str) -> None:
        """Logs a warning, the same one at most every few seconds."""
        if self._throttle.allows(text):
            self.get_logger().warning(text)

    def fail(self, text: str) -> None:
        """The same for an error."""
        if self._throttle.allows(text):
            self.get_logger().error(text)

    def leave(self) -> None:
        """Ends all goals: their clients can be told so only while it spins."""
        for action in self.actions.values():
            action.end_all(SHUT_DOWN)

    def destroy_node(self) -> None:
        """Leaves whatever state it is in."""
        self._clean_up(SHUT_DOWN)
        for action in self.actions.values():
            action.destroy()
        super().destroy_node()
        # rclpy leaves it to the garbage collector, and with it what DDS has in shared memory to nobody
        self._state_machine.destroy_when_not_in_use()

    def _active(self) -> Pipeline:
        """UnavailableError, with what to do, if there is none."""
        if self._pipeline is None or not self._pipeline.is_open:
            raise UnavailableError(self._loading or self._how_to_activate())
        return self._pipeline

    def _clean_up(self, why: str = LEFT) -> None:
        if self._pipeline is not None:
            self._pipeline.close(why)
            self._pipeline.destroy()
        self._pipeline = None
        free_memory()
        trim()

    def _how_to_activate(self) -> str:
        steps = ("configure", "activate") if self._pipeline is None else ("activate",)
        commands = " && ".join(f"ros2 lifecycle set {self.address} {step}" for step in steps)
        return f"the node is {self.state}, not active; activate it first: {commands}"

    def _failed(self, transition: str, error: Exception) -> TransitionCallbackReturn:
        known = isinstance(error, S2iamMaskError)
        self.failure = str(error) if known else "".join(traceback.format_exception(error))
        self.get_logger().error(f"cannot {transition}: {self.failure}")
        free_memory()
        return FAILURE

    def _on_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        values = values_of(parameters)
        try:
            settings, config = changed(self.settings, values), changed(self.tracker_config, values)
            runtime = changed(self.runtime_config, values)
            self._check_state(values)
        except ConfigError as error:
            return refused(error)
        self.settings, self.tracker_config, self.runtime_config = settings, config, runtime
        return SetParametersResult(successful=True)

    def _check_state(self, values: Mapping[str, Any]) -> None:
        """ConfigError for what was read in configuring, unless that is still to come."""
        loaded = [name for name in values if name in LOADED]
        if loaded and self.state != "unconfigured":
            steps = {"active": ("deactivate", "cleanup"), "inactive": ("cleanup",)}.get(self.state, ())
            ways = "; ".join(f"ros2 lifecycle set {self.address} {step}" for step in steps)
            raise ConfigError(
                f"{loaded[0]} cannot change while the node is {self.state}. Clean up, set, configure"
                + (f": {ways}" if ways else "")
            )
