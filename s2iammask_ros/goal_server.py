"""The server of the action: goals begin and end when they are told to, and wait nowhere."""

from collections.abc import Callable
from typing import Any

from rclpy.action.server import ActionServer, CancelResponse, ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node

from s2iammask.action import TrackObject

Why = TrackObject.Result  # its constants are the reasons for an end


class GoalServer(ActionServer):
    """An action server whose goals run without a callback that waits: it would keep a thread each, and a
    coroutine of rclpy is asked again and again whether it is done.
    """

    def __init__(
        self, node: Node, name: str, accept: Callable[[ServerGoalHandle], None], cancelled: Callable[[], None]
    ) -> None:
        """accept: is told of each goal, which runs then; cancelled: that the state of some is canceling."""
        self._accept, self._cancelled = accept, cancelled
        super().__init__(
            node,
            TrackObject,
            name,
            execute_callback=_never,
            handle_accepted_callback=self._run,
            cancel_callback=lambda handle: CancelResponse.ACCEPT,
            callback_group=MutuallyExclusiveCallbackGroup(),
        )

    async def execute(self, taken: Any) -> None:
        await super().execute(taken)
        if "cancel" in taken:  # only now are the goals in that state
            self._cancelled()

    def notify_execute(self, handle: ServerGoalHandle, execute: Callable[[Any], Any] | None) -> None:
        """Nothing is to be executed at the beginning of a goal."""
        if execute is not None:
            super().notify_execute(handle, execute)

    def end(self, handle: ServerGoalHandle, result: Any) -> None:
        """Takes the goal into its last state, and has the result sent."""
        if result.reason == Why.CANCELLED:
            handle.canceled()
        elif result.reason == Why.STOPPED:
            handle.succeed()
        else:
            handle.abort()
        self.notify_execute(handle, lambda handle: result)

    def _run(self, handle: ServerGoalHandle) -> None:
        handle.execute()
        self._accept(handle)


def _never(handle: ServerGoalHandle) -> Any:
    raise NotImplementedError
