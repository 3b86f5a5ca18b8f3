"""A service of the tracker node that is asked again and again."""

from collections.abc import Callable
from typing import Any

from rclpy.node import Node

PATIENCE = 5  # requests in a row without an answer after which the service is connected to anew


class Asking:
    """One request at a time; who does not answer until the next one has gone away, or was never reached."""

    def __init__(self, node: Node, kind: Any, name: str, heard: Callable[[Any], None]) -> None:
        """heard: gets each answer."""
        self._node, self._kind, self._name, self._heard = node, kind, name, heard
        self._client = node.create_client(kind, name)
        self._call: Any = None
        self._unanswered = 0  # requests in a row

    def ask(self, request: Any) -> None:
        """Asks if the service is there; a request before that is given up."""
        if self._call is not None and not self._call.done():
            self._client.remove_pending_request(self._call)
            self._unanswered += 1
        if self._unanswered >= PATIENCE:
            self._connect()
        if self._client.service_is_ready():
            self._call = self._client.call_async(request)
            self._call.add_done_callback(self._on_answer)

    def _connect(self) -> None:
        """Discovery of one service can fail while that of the others does not."""
        self._node.destroy_client(self._client)
        self._client = self._node.create_client(self._kind, self._name)
        self._call, self._unanswered = None, 0

    def _on_answer(self, call: Any) -> None:
        self._unanswered = 0
        if call.result() is not None:
            self._heard(call.result())
