"""What the page asks for, brought to the tracker's services."""

import asyncio
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from s2iammask.srv import StartTracking, StopTracking
from s2iammask_core.errors import RequestError, UnavailableError
from s2iammask_core.page.backend import Greeting
from s2iammask_core.page.hub import Hub
from s2iammask_core.page.protocol import Answer, Ask, Start, Stop
from s2iammask_ros.messages.boxes import rotated_to_message
from s2iammask_ros.messages.stamps import time_message
from s2iammask_ros.page.camera_client import CameraClient
from s2iammask_ros.page.client import PageNode

LONGEST_ANSWER = 35.0  # seconds; the node itself gives up a little earlier
LONGEST_GOODBYE = 2.0  # seconds for what the thread does at the end
LATE = "is kept"  # what the node says of a picture that it no longer has


class RosBackend:
    """Runs the node in a thread of its own, and waits for its answers in the server's."""

    def __init__(self, node: PageNode, context: Any = None) -> None:
        self._node = node
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(node)
        self._thread = Thread(target=self._spin, name="ros", daemon=True)
        self._ended = Event()

    @property
    def greeting(self) -> Greeting:
        return self._node.greeting

    async def open(self, hub: Hub) -> None:
        self._thread.start()

    async def close(self) -> None:
        """The thread ends first: an executor that is taken down under it would be an error there."""
        self._ended.set()
        self._executor.create_task(lambda: None)  # wakes it
        await asyncio.to_thread(self._thread.join, LONGEST_GOODBYE)
        self._executor.shutdown(timeout_sec=0)

    def watch(self, cameras: frozenset[str]) -> None:
        self._node.wanted = cameras

    def file(self, name: str) -> Path | None:
        """A robot's page has nothing to download."""
        return None

    async def ask(self, wish: Ask) -> Answer:
        if isinstance(wish, Start):
            return await self._start(self._camera(wish.camera), wish)
        if isinstance(wish, Stop):
            return await self._stop(self._camera(wish.camera), wish)
        raise RequestError("a robot's cameras can neither be moved through nor downloaded")

    def _camera(self, name: str) -> CameraClient:
        found = self._node.cameras.get(name)
        if found is None:
            raise UnavailableError(f"the tracker node {self._node.tracker} has no camera {name!r} now")
        return found

    async def _start(self, camera: CameraClient, wish: Start) -> Answer:
        label = wish.label.strip()
        request = StartTracking.Request(
            stamp=time_message(wish.stamp),
            boxes=[rotated_to_message(wish.box)],
            labels=[label] if label else [],
        )
        answer = await self._call(camera.start, request)
        if answer.success:
            return Answer(True, f"{label or answer.ids[0]} is tracked", tuple(answer.ids))
        reason = next((each for each in answer.reasons if each), answer.message)
        return Answer(False, reason, late=LATE in reason)

    async def _stop(self, camera: CameraClient, wish: Stop) -> Answer:
        if wish.ids == ():
            return Answer(True, "there was nothing to stop")  # the service would stop all
        request = StopTracking.Request(ids=list(wish.ids or ()))
        answer = await self._call(camera.stop, request)
        return Answer(answer.success, answer.message, tuple(answer.ids))

    async def _call(self, client: Any, request: Any) -> Any:
        """UnavailableError if nobody answers."""
        if not client.service_is_ready():
            raise UnavailableError(f"the tracker node {self._node.tracker} is not there")
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        call = client.call_async(request)
        call.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))
        try:
            await asyncio.wait_for(done.wait(), LONGEST_ANSWER)
        except asyncio.TimeoutError:
            client.remove_pending_request(call)
            raise UnavailableError(f"the tracker node gave no answer in {LONGEST_ANSWER:.0f} s") from None
        return call.result()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            while not self._ended.is_set():
                self._executor.spin_once()
