"""One stream of images and its targets: from a message to the messages about it."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Protocol

from std_msgs.msg import Header

from s2iammask_core import Shot, Track, Tracker, TrackerConfig, TrackState, track_together
from s2iammask_core.errors import FrameError, S2iamMaskError
from s2iammask_core.geometry import HostFrame
from s2iammask_ros.health.counters import Counters, Fate
from s2iammask_ros.health.latency import LatencyWindow, Timing
from s2iammask_ros.images.arrivals import Arrival, ImageMessage, Turn
from s2iammask_ros.images.depth import View
from s2iammask_ros.images.depth_stream import DepthStream
from s2iammask_ros.images.encodings import image_to_rgb
from s2iammask_ros.images.hints import HintStream
from s2iammask_ros.images.history import History, Stamped, thinned
from s2iammask_ros.messages.stamps import SECOND, nanoseconds, seconds_text, time_message
from s2iammask_ros.outputs.outputs import Outputs, Result
from s2iammask_ros.settings import NodeConfig
from s2iammask_ros.targets.records import Candidate, Change, Moment, Reason, Tracked, Verdict
from s2iammask_ros.targets.starts import meant
from s2iammask_ros.targets.targets import Targets

MOST_COMPLAINTS = 100


class Surroundings(Protocol):
    """What a camera needs of the node that it belongs to."""

    @property
    def settings(self) -> NodeConfig: ...

    @property
    def tracker_config(self) -> TrackerConfig: ...

    def now(self) -> int:
        """Nanoseconds on the clock of the stamps."""
        ...

    def say(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def debug(self, text: Callable[[], str]) -> None:
        """The text is made only if somebody wants to read it."""
        ...

    def survive(self, error: Exception, camera: "Camera", frame: HostFrame) -> None:
        """Called with what went wrong on a frame; decides how to go on."""
        ...


class Camera:
    """Receives on one thread, works on another. An image is prepared, tracked in and finished."""

    def __init__(self, name: str, targets: Targets, outputs: Outputs, node: Surroundings) -> None:
        self.name = name
        self.targets = targets
        self.last_came = time.monotonic()
        self.frame_id = ""  # of the camera's optical frame, as the newest image names it
        self.image_bytes = 0  # of the newest image
        self.counters = Counters()
        self.latency = LatencyWindow(time.monotonic())
        self.history: History[ImageMessage] = History(
            node.settings.history_seconds, node.settings.history_megabytes
        )
        self.depths: DepthStream | None = None
        if node.settings.depth:
            self.depths = DepthStream(node.settings.depth_tolerance, node.settings.max_megapixels)
        self.hints = HintStream() if node.settings.hints else None
        self._outputs = outputs
        self._node = node
        self._jumped = False
        self._done = 0  # stamp of the last image that was tracked
        self._complaints: set[str] = set()

    def receive(self, message: ImageMessage) -> Arrival:
        """Counts and keeps an image; costs next to nothing."""
        image = Stamped(nanoseconds(message.header.stamp), message)
        self.counters.receive(image.stamp)
        self.latency.arrive((self._node.now() - image.stamp) / SECOND)
        self.frame_id, self.image_bytes = message.header.frame_id, len(message.data)
        self._jumped |= self.history.add(image)
        self.last_came = time.monotonic()
        return Arrival(image, self.last_came)

    def work(self, arrival: Arrival) -> None:
        """Tracks in one image and publishes what it found; counts it in any case."""
        if turn := self.prepare(arrival):
            self.track(turn)

    def prepare(self, arrival: Arrival) -> Turn | None:
        """Reads an image; None, and it is counted, if that cannot be or if it is too late for it."""
        if self._jumped:
            self._jumped, self._done = False, 0
            self.targets.note(
                Reason.TIME_JUMPED_BACK, "the stamps of the images went back; kept images were forgotten"
            )
        if self._is_late(arrival.image.stamp):
            self._end(arrival, "late")
            return None
        begin = time.monotonic()
        try:
            frame = self._read(arrival.image)
        except FrameError as error:
            self._complain(error)
            self._end(arrival, "failed")
            return None
        return Turn(arrival, frame, begin, time.monotonic())

    def shot(self, turn: Turn) -> Shot:
        """What the tracker is to track in, after the targets and settings were fitted to it."""
        self._fit(turn)
        if self.targets.tracker.config is not self._node.tracker_config:
            self.targets.tracker.reconfigure(self._node.tracker_config)
        age = self._node.settings.hint_age
        hints = self.hints.boxes(turn.stamp, turn.size, age) if self.hints else ()
        budget = self._node.settings.search_budget
        return Shot(self.targets.tracker, turn.frame, hints, budget or math.inf)

    def track(self, turn: Turn) -> None:
        """Tracks in an image of this camera alone, and finishes it."""
        try:
            (tracks,) = track_together([self.shot(turn)])
        except Exception as error:
            self._fail(turn, error)
        else:
            self.finish(turn, tracks, time.monotonic())

    def finish(self, turn: Turn, tracks: Sequence[Track], found: float) -> None:
        """Publishes what was found at that time, and counts the image."""
        try:
            tracked = self.targets.follow(tracks, turn.stamp, turn.size)
            result = self._result(turn, tracked)
            self._outputs.publish(result, self.targets.tracker.config.vote_fraction)
            self._done = turn.stamp
            self._time(turn, found)
        except Exception as error:
            self._fail(turn, error)
        else:
            self._end(turn.arrival, "late" if result.late else "processed")
            self._node.debug(lambda: _told(turn, tracked, found))

    def start(self, candidates: Sequence[Candidate], moment: Moment) -> tuple[int, list[Verdict]]:
        """Starts targets in the kept image that is meant, and catches up; its stamp, and verdicts.

        Raises FrameError or TargetError if there is no such image, or it does not fit those tracked now.
        """
        age = self._node.settings.max_age
        image = meant(self.history, moment, self._node.now(), age, self.counters.period or 0)
        later = thinned(self.history.between(image.stamp, self._done), self._node.settings.catch_up_steps)
        verdicts = self.targets.start(candidates, self._read(image), image.stamp, self._readable(later))
        self.publish_changes(image.message.header)
        return image.stamp, verdicts

    def click(self, candidate: Candidate, stamp: int) -> Verdict:
        """Starts one target in the image that was shown when it was clicked; a refusal is an event too."""
        try:
            _, (verdict,) = self.start([candidate], Moment(stamp, clicked=True))
        except S2iamMaskError as error:
            verdict = Verdict("", str(error))
        if not verdict.id:
            self.targets.note(Reason.CLICK_REFUSED, f"what was clicked is not tracked: {verdict.reason}")
            self.publish_changes(Header(stamp=time_message(self._node.now())))
        return verdict

    def stop(
        self, names: Sequence[str], reason: Reason = Reason.STOPPED, text: str = "a client asked"
    ) -> list[str]:
        """Stops targets by id, all if none is named; TargetError for an unknown one."""
        stopped = self.targets.stop(names, reason, text)
        self.publish_changes(Header(stamp=time_message(self._node.now())))
        return stopped

    def move(self, tracker: Tracker, frame: HostFrame | None) -> None:
        """Goes on with another tracker; the targets start where they were, in that frame or the newest."""
        text = "the device failed; the CPU goes on"
        if self.targets.known and frame is None:
            frame = self._read(self.history.newest())
        if frame is None:
            self.targets.tracker = tracker
        else:
            self.targets.restart(tracker, frame, Reason.DEVICE_FAILED, text)

    def publish_changes(self, header: Header) -> None:
        changes = self.targets.changes()
        self._outputs.publish_changes(changes, header)
        for change in changes:
            self._log(change)

    def _log(self, change: Change) -> None:
        text = f"{self.name}: {change.text}" if self.name else change.text
        if {change.before, change.after} == {TrackState.TRACKING, TrackState.UNCERTAIN}:
            self._node.debug(lambda: text)  # it may come and go with each image
        else:
            self._node.say(text)

    def _fail(self, turn: Turn, error: Exception) -> None:
        try:
            self._node.survive(error, self, turn.frame)
        finally:
            self._end(turn.arrival, "failed")

    def _end(self, arrival: Arrival, fate: Fate) -> None:
        self.counters.count(fate)
        self.publish_changes(arrival.image.message.header)

    def _is_late(self, stamp: int) -> bool:
        age, limit = (self._node.now() - stamp) / SECOND, self._node.settings.max_age
        if limit == 0 or age <= limit:
            return False
        self._node.warn(
            f"images are {age:.3g} s old, more than max_age ({limit:g} s), not tracked. For a bag: play it "
            "with --clock and set use_sim_time, or set max_age to 0. For a camera: check its clock"
        )
        return True

    def _read(self, image: Stamped[ImageMessage]) -> HostFrame:
        return image_to_rgb(image.message, self._node.settings.max_megapixels)

    def _readable(self, images: Sequence[Stamped[ImageMessage]]) -> Iterator[HostFrame]:
        """Without those that were reported when their turn came."""
        for image in images:
            with suppress(FrameError):
                yield self._read(image)

    def _fit(self, turn: Turn) -> None:
        known = self.targets.tracker.frame_size
        if known not in (None, turn.size):
            self.history.forget_before(turn.stamp)
            self.targets.resize(turn.frame, self._node.settings.size_change == "rescale")

    def _complain(self, error: FrameError) -> None:
        """Each kind of unreadable image is reported once; all are counted."""
        kind = type(error).__name__ + str(error)[:80]
        if kind not in self._complaints and len(self._complaints) < MOST_COMPLAINTS:
            self._complaints.add(kind)
            self._node.warn(str(error))

    def _time(self, turn: Turn, found: float) -> None:
        """Each stage lasts until the next one begins, so with several cameras the others' share too."""
        end, total = time.monotonic(), (self._node.now() - turn.stamp) / SECOND
        stages = (turn.begin - turn.arrival.came, turn.read - turn.begin, found - turn.read, end - found)
        self.latency.add(Timing(end, total, stages))

    def _result(self, turn: Turn, tracked: Sequence[Tracked]) -> Result:
        settings, age = self._node.settings, (self._node.now() - turn.stamp) / SECOND
        return Result(
            turn.arrival.image.message.header,
            turn.frame,
            tracked,
            self._view(turn),
            settings.mask_encoding,
            settings.pose_target,
            late=0 < settings.max_age < age,
        )

    def _view(self, turn: Turn) -> View | None:
        """None also where the depth cannot be read: tracking goes on without it."""
        if self.depths is None:
            return None
        try:
            return self.depths.view(turn.stamp, turn.size)
        except FrameError as error:
            self._complain(error)
            return None


def _told(turn: Turn, tracked: Sequence[Tracked], found: float) -> str:
    states = ", ".join(f"{each.id} {each.track.state.value}" for each in tracked) or "no targets"
    ms = [1000 * (end - begin) for begin, end in ((turn.begin, turn.read), (turn.read, found))]
    return (
        f"image {seconds_text(turn.stamp)}: {states}; converted in {ms[0]:.1f} ms, tracked in {ms[1]:.1f} ms"
    )
