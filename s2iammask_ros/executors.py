"""Which thread runs which callbacks of a node; rclpy's executors take a node as a whole."""

from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node


class OneGroup(SingleThreadedExecutor):
    """Runs the callbacks of one group, on the thread that spins it.

    With few things to wait for it is soon waiting again. An executor of the whole node makes a wait set of
    some fifty after each callback, and holds Python's lock meanwhile, which the work that the callback began
    needs too.
    """

    def __init__(self, node: Node, group: CallbackGroup) -> None:
        super().__init__(context=node.context)
        self._node, self.group = node, group

    def get_nodes(self) -> list[Node]:
        """Never added: a node belongs to one executor, here to that of its other groups."""
        return [self._node]

    def can_execute(self, entity: Any) -> bool:
        return entity.callback_group is self.group and bool(super().can_execute(entity))


class OtherGroups(MultiThreadedExecutor):
    """Runs the callbacks of all groups but that one; nodes are added here."""

    def __init__(self, apart: OneGroup, threads: int) -> None:
        self._apart = apart
        super().__init__(threads, context=apart.context)

    def can_execute(self, entity: Any) -> bool:
        return entity.callback_group is not self._apart.group and bool(super().can_execute(entity))

    def wake(self) -> None:
        """Nodes call it when there is more or less to wait for, in whichever group."""
        super().wake()
        self._apart.wake()
