"""The page's back end for a camera of this machine: requests to the stream, and what it does to the page."""

import asyncio
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from s2iammask_core.errors import RequestError
from s2iammask_core.files.clips import Clip
from s2iammask_core.page.backend import Greeting
from s2iammask_core.page.hub import Hub
from s2iammask_core.page.live.recent import SECOND, SECONDS, NoLongerKeptError
from s2iammask_core.page.live.stream import Stream
from s2iammask_core.page.pictures import Picture
from s2iammask_core.page.protocol import Answer, Ask, Start, Stop
from s2iammask_core.tracking.tracker import Tracker

PERIOD = 0.25  # seconds between two looks at how it is going
CHART = 120  # points of a chart, one a second
CLICK_SIZE = 64.0  # pixels
SILENCE = 2.0  # seconds without a frame after which a camera is called silent


class CameraBackend:
    """One camera, one tracker; several browsers see the same."""

    def __init__(self, camera: Clip, tracker: Tracker, about: dict[str, str]) -> None:
        """about: what the page says about runtime and weights, by name."""
        self._camera, self._about = camera, about
        self._hub: Hub | None = None
        self._stream = Stream(camera, tracker, self._show)
        self._told: asyncio.Task[None] | None = None
        self._chart: deque[tuple[float | None, ...]] = deque(maxlen=CHART)

    @property
    def greeting(self) -> Greeting:
        return Greeting("live", self._camera.name, [""], CLICK_SIZE, keeps=SECONDS)

    async def open(self, hub: Hub) -> None:
        self._hub = hub
        hub.tell("about", "", about=self._about)
        self._stream.start()
        self._told = asyncio.create_task(self._tell())

    async def close(self) -> None:
        if self._told is not None:
            self._told.cancel()
            with suppress(asyncio.CancelledError):
                await self._told
        await asyncio.to_thread(self._stream.stop)

    def watch(self, cameras: frozenset[str]) -> None:
        """It is tracked whether somebody looks or not."""

    def file(self, name: str) -> Path | None:
        """A camera's page has nothing to download."""
        return None

    async def ask(self, wish: Ask) -> Answer:
        if isinstance(wish, Start):
            return await self._start(wish)
        if isinstance(wish, Stop):
            stopped = await asyncio.to_thread(self._stream.stop_targets, wish.ids)
            return Answer(True, f"stopped {', '.join(stopped) or 'nothing'}", tuple(stopped))
        raise RequestError("a camera can neither be moved through nor downloaded")

    async def _start(self, wish: Start) -> Answer:
        label = wish.label.strip()
        try:
            named = await asyncio.to_thread(self._stream.start_target, wish.stamp, wish.box, label)
        except NoLongerKeptError as error:
            return Answer(False, str(error), late=True)
        return Answer(True, f"{label or named} is tracked", (named,))

    def _show(self, picture: Picture) -> None:
        if self._hub is not None:
            self._hub.show("", picture)

    async def _tell(self) -> None:
        """Says how it is going, now and then."""
        while self._hub is not None:
            self._tell_status(self._hub)
            self._tell_figures(self._hub)
            self._hub.tell("events", "", events=list(self._stream.targets.events))
            await asyncio.sleep(PERIOD)

    def _tell_status(self, hub: Hub) -> None:
        camera, health = self._camera.name, self._stream.health
        if health.failure:
            again = "It is opened again as soon as it is there."
            status = said("error", "no camera", health.failure, again)
        elif not health.came:
            status = said("waiting", "opening", f"Opening {camera}")
        elif time.monotonic() - health.came > SILENCE:
            status = said("waiting", "silent", f"{camera} gives no pictures", "Is it still plugged in?")
        else:
            status = said("ok", f"{self._stream.pace.rate(time.time_ns()):.0f} /s")
        hub.tell("status", "", command="", **status)

    def _tell_figures(self, hub: Hub) -> None:
        now = time.time_ns()
        if self._chart and now / SECOND - (self._chart[-1][0] or 0) < 1:
            return
        rate, p50, p95, dropped = self._stream.pace.figures(now)
        self._chart.append((round(now / SECOND, 1), round(rate, 1), p50, p95, dropped))
        hub.tell("figures", "", names=["rate", "p50", "p95", "dropped"], points=list(self._chart))


def said(level: str, short: str, title: str = "", text: str = "") -> dict[str, str]:
    return {"level": level, "short": short, "title": title, "text": text}
