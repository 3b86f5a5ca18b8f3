"""A managed node that can be asked how it is while one of its transitions takes its time."""

from threading import Lock
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleNode, LifecycleNodeMixin, TransitionCallbackReturn
from rclpy.node import Node

SUCCESS = TransitionCallbackReturn.SUCCESS


class ManagedNode(LifecycleNode):
    """One transition at a time; another one is refused at once, with the reason in the log.

    rclpy has the services of the life cycle and those of the parameters share one callback group, in which
    all wait while weights are loaded; and it never answers a request for a transition that cannot be.
    """

    def __init__(self, name: str, **options: Any) -> None:
        Node.__init__(self, name, **options)
        self._transitions = ReentrantCallbackGroup()
        LifecycleNodeMixin.__init__(self, callback_group=self._transitions)
        self._changing = Lock()
        self._change, self._service_change_state.callback = (
            self._service_change_state.callback,
            self._on_change,
        )

    @property
    def state(self) -> str:
        """unconfigured, configuring, inactive, activating, active and so on."""
        return str(self._state_machine.current_state[1])

    @property
    def address(self) -> str:
        """As the command line tools name it."""
        return str(self.get_fully_qualified_name())

    def start_soon(self) -> None:
        """Configures and activates as soon as it spins."""
        self._autostart = self.create_timer(0.0, self._start, callback_group=self._transitions)

    def _start(self) -> None:
        self._autostart.cancel()
        with self._changing:
            if self.state == "unconfigured" and self.trigger_configure() == SUCCESS:
                self.trigger_activate()

    def _on_change(
        self, request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        wanted = request.transition.label or f"transition {request.transition.id}"
        if not self._changing.acquire(blocking=False):
            self.get_logger().warning(f"{wanted} is refused: the node is still {self.state}")
            return response
        try:
            response = self._change(request, response)
        except Exception as error:  # what rcl does not let be
            self.get_logger().warning(f"{wanted} is refused: the node is {self.state} ({error})")
        finally:
            self._changing.release()
        return response
