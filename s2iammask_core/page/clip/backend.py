"""The page's back end for a clip: requests to the player, and what it does to the page."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from s2iammask_core.errors import RequestError
from s2iammask_core.files.clips import Clip
from s2iammask_core.page.backend import Greeting
from s2iammask_core.page.clip.downloads import Downloads
from s2iammask_core.page.clip.player import Mode, Player, frame_of
from s2iammask_core.page.clip.previews import Previews
from s2iammask_core.page.clip.targets import ClipTargets
from s2iammask_core.page.hub import Hub
from s2iammask_core.page.pictures import Picture
from s2iammask_core.page.protocol import Answer, Ask, Start, Stop, Transport
from s2iammask_core.page.trails import SPAN
from s2iammask_core.tracking.tracker import Tracker

Value = TypeVar("Value")
PERIOD = 0.2  # seconds between two looks at how it is going
CHART = 120  # points of a chart, one a second
CLICK_SIZE = 64.0  # pixels


class ClipBackend:
    """One clip, one tracker, one player; several browsers see the same frame."""

    def __init__(self, clip: Clip, tracker: Tracker, about: dict[str, str]) -> None:
        """about: what the page says about runtime and weights, by name."""
        self._clip, self._about = clip, about
        self._hub: Hub | None = None
        self._previews = Previews(clip)
        self._downloads = Downloads(clip)
        targets = ClipTargets(tracker, clip.rate)
        self._player = Player(clip, targets, self._previews, self._show)
        self._told: asyncio.Task[None] | None = None
        self._opened = time.time()
        self._chart: deque[tuple[float, ...]] = deque(maxlen=CHART)

    @property
    def greeting(self) -> Greeting:
        return Greeting("clip", Path(self._clip.name).name, [""], CLICK_SIZE, self._clip.rate)

    async def open(self, hub: Hub) -> None:
        self._hub = hub
        hub.tell("about", "", about=self._about)
        self._previews.start()
        self._player.start()
        self._told = asyncio.create_task(self._tell())

    async def close(self) -> None:
        if self._told is not None:
            self._told.cancel()  # before the player ends, which would leave it without an answer
            with suppress(asyncio.CancelledError):
                await self._told
        await asyncio.to_thread(self._player.stop)
        await asyncio.to_thread(self._previews.stop)
        self._downloads.close()

    def watch(self, cameras: frozenset[str]) -> None:
        """A clip is shown whether somebody looks or not."""

    def file(self, name: str) -> Path | None:
        return self._downloads.find(name)

    async def ask(self, wish: Ask) -> Answer:
        if isinstance(wish, Start):
            return await self._start(wish)
        if isinstance(wish, Stop):
            stopped = await self._do(lambda: self._player.stop_targets(wish.ids))
            return Answer(True, f"stopped {', '.join(stopped) or 'nothing'}", tuple(stopped))
        if isinstance(wish, Transport):
            await self._move(wish)
            return Answer(True)
        return await self._download(wish.what)

    async def _start(self, wish: Start) -> Answer:
        number = frame_of(wish.stamp, self._clip.rate)
        named = await self._do(
            lambda: self._player.start_target(number, wish.box, wish.label.strip(), wish.id)
        )
        return Answer(True, f"{wish.label.strip() or named} starts in frame {number}", (named,))

    async def _download(self, what: str) -> Answer:
        result = await asyncio.wrap_future(self._player.ask(self._player.targets.result))
        if not result:
            raise RequestError("nothing is tracked yet")
        name = await asyncio.to_thread(self._downloads.make, what, result, self._tell_making)
        return Answer(True, f"{name} is made", file=name)

    def _tell_making(self, frame: int) -> None:
        if self._hub is not None:
            self._hub.tell("making", frame=frame, count=self._player.count)

    async def _move(self, wish: Transport) -> None:
        player = self._player
        actions: dict[str, Callable[[], None]] = {
            "play": player.play,
            "track": player.track,
            "pause": player.pause,
            "step": player.step,
            "seek": lambda: player.seek(wish.frame),
        }
        await self._do(actions[wish.action])

    async def _do(self, command: Callable[[], Value]) -> Value:
        answer = await asyncio.wrap_future(self._player.ask(command))
        await self._report()
        return answer

    def _show(self, picture: Picture) -> None:
        if self._hub is not None:
            self._hub.show("", picture)

    async def _tell(self) -> None:
        """Says how it is going, now and then; at once after each request."""
        while True:
            await self._report()
            await asyncio.sleep(PERIOD)

    async def _report(self) -> None:
        hub, player = self._hub, self._player
        if hub is None:
            return
        place = player.place
        hub.tell(
            "playback",
            "",
            frame=place.frame,
            mode=place.mode.value,
            count=place.count,
            whole=place.whole,
            read=self._previews.read,
        )
        error = place.error or ("" if self._previews.read else self._previews.failure)
        level = "error" if error else "ok"
        hub.tell("status", "", level=level, short=place.mode.value, title=error, text="", command="")
        await asyncio.wrap_future(player.ask(self._tell_targets))
        self._tell_figures(hub)
        if self._previews.failure:  # a damaged clip: what could be read of it is there
            event = {"time": self._opened, "text": self._previews.failure, "level": "bad"}
            hub.tell("events", "", events=[event])

    def _tell_targets(self) -> None:
        """In the player's thread, which alone knows the targets."""
        hub, player = self._hub, self._player
        if hub is None:
            return
        hub.tell("lanes", "", lanes=player.targets.lanes())
        if player.place.mode is Mode.PAUSED:
            back = round(SPAN * self._clip.rate)
            hub.tell("trails", "", trails=player.targets.trails(player.place.frame, back))

    def _tell_figures(self, hub: Hub) -> None:
        now = time.time()
        figures = self._player.rates.figures(time.monotonic())
        if self._chart and now - self._chart[-1][0] < 1:
            return
        if figures is not None or self._chart:
            rate, p50, p95 = figures or (0.0, 0.0, 0.0)
            self._chart.append((round(now, 1), round(rate, 1), round(p50, 1), round(p95, 1)))
            hub.tell("figures", "", names=["rate", "p50", "p95"], points=list(self._chart))
