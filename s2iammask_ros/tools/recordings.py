"""Bags as recordings of a batch: tracked in the node's pipeline, and written as bags with its messages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from s2iammask_core import Tracker, TrackerConfig
from s2iammask_core.batch.follow import due, never_begun
from s2iammask_core.batch.moments import Found, Moment
from s2iammask_core.batch.plan import Part, Span
from s2iammask_core.batch.targets import target_of
from s2iammask_core.batch.view import Seen, View
from s2iammask_core.errors import FrameError, TargetError
from s2iammask_ros.camera import Camera
from s2iammask_ros.images.encodings import image_to_rgb
from s2iammask_ros.messages.stamps import nanoseconds
from s2iammask_ros.outputs.outputs import Outputs, Result
from s2iammask_ros.settings import NodeConfig
from s2iammask_ros.targets.records import Candidate, Change, Reason
from s2iammask_ros.targets.records import Moment as Meant
from s2iammask_ros.targets.targets import Targets
from s2iammask_ros.tools.bag import BagImage, BagPublisher, count_images, images
from s2iammask_ros.tools.replay import USUAL
from s2iammask_ros.tools.stage import OFFLINE, Nowhere, Stage, own

STORAGE = "mcap"
NODE = "tracker"  # whose messages a bag holds


@dataclass(frozen=True, slots=True)
class BagSource:
    """The images of one topic of a bag."""

    path: Path
    topic: str = ""  # empty: the only one

    def count(self) -> int:
        return count_images(self.path, self.topic)[0]

    def moments(self, first: int = 0) -> Iterator[Moment]:
        for number, image in images(self.path, self.topic):
            if number >= first and (moment := _moment(number, image)):
                yield moment

    def follow(self, tracker: Tracker, part: Part) -> Iterator[Found]:
        """As the node would track if no image came late; each object also in the image that it begins in."""
        run = _Run(tracker, part)
        for number, image in images(self.path, self.topic):
            if run.is_over(number, image):
                break
            if found := run.work(number, image):
                yield found
        if run.waiting:
            raise TargetError(never_begun(next(iter(run.waiting.values()))))


def _moment(number: int, image: BagImage) -> Moment | None:
    """None for an image that cannot be read."""
    try:
        return Moment(number, nanoseconds(image.message.header.stamp), image_to_rgb(image.message))
    except FrameError:
        return None


class _Run:
    """A camera of the node, and what it is told."""

    def __init__(self, tracker: Tracker, part: Part) -> None:
        self._part = part
        self.waiting: dict[int, Span] = dict(enumerate(part.spans))
        self._stage = Stage(tracker.config, own(NodeConfig, {**OFFLINE, "cameras": ("",)}))
        self._heard = _Heard()
        self._camera = Camera("", Targets(tracker), self._heard, self._stage)

    def is_over(self, number: int, image: BagImage) -> bool:
        return self._part.until is not None and self._at(number, image) >= self._part.until

    def work(self, number: int, image: BagImage) -> Found | None:
        """None if nothing is tracked in that image."""
        at = self._at(number, image)
        arrival = self._camera.receive(image.message)
        self._stage.time = arrival.image.stamp
        ended = [name for name in self._names if _ends(self._part.spans[int(name)], at)]
        if ended:
            self._camera.stop(ended)
        begun = due(self.waiting, at)
        if begun:
            self._begin(begun, image, arrival.image.stamp)
        result = self._heard.after(lambda: self._camera.work(arrival)) if self._names else None
        if result is None:
            return None
        tracks = [replace(each.track, id=int(each.id)) for each in result.tracked]
        return Found(Moment(number, arrival.image.stamp, result.frame), tracks)

    @property
    def _names(self) -> list[str]:
        return [target.name for target in self._camera.targets.known.values()]

    def _at(self, number: int, image: BagImage) -> int:
        return nanoseconds(image.message.header.stamp) if self._part.stamped else number

    def _begin(self, begun: Mapping[int, Span], image: BagImage, stamp: int) -> None:
        size = image_to_rgb(image.message).shape[:2]
        candidates = [
            Candidate(target_of(span.start, size), str(id_), span.start.label) for id_, span in begun.items()
        ]
        _, verdicts = self._camera.start(candidates, Meant(stamp))
        refused = [verdict.reason for verdict in verdicts if verdict.reason]
        if refused:
            raise TargetError("; ".join(refused))
        for id_ in begun:
            del self.waiting[id_]


class _Heard(Outputs):
    """Keeps what would be published."""

    def __init__(self) -> None:
        super().__init__(Nowhere())
        self._result: Result | None = None

    def after(self, work: Any) -> Result | None:
        """What is published while something is done."""
        self._result = None
        work()
        return self._result

    def publish(self, result: Result, mask_threshold: float) -> None:
        self._result = result

    def publish_changes(self, changes: Sequence[Change], header: Any) -> None:
        """FrameError if a target was stopped by something else than the end of its span."""
        for change in changes:
            if change.after is None and change.id and change.reason is not Reason.STOPPED:
                raise FrameError(change.text)


def _ends(span: Span, at: int) -> bool:
    return span.until is not None and at >= span.until


def write_bag(source: BagSource, view: View, config: TrackerConfig, path: Path) -> None:
    """A bag with what the node would have published about the images in which something is tracked."""
    rows = {frame[0].row.frame: frame for frame in view.frames()}
    with BagPublisher(path, STORAGE, NODE, USUAL) as bag:
        told = _Told(bag, config, view.spans)
        for number, image in images(source.path, source.topic):
            if number in rows and (moment := _moment(number, image)):
                bag.now = image.recorded
                told.tell(moment, image, rows[number])


class _Told:
    """Publishes what is known of each image, as the node did when it tracked."""

    def __init__(self, bag: BagPublisher, config: TrackerConfig, spans: Sequence[Span]) -> None:
        self._outputs, self._config, self._spans = Outputs(bag), config, spans
        self._targets = Targets(_Remembered(config))  # type: ignore[arg-type]
        self._current: dict[int, tuple[Span, int]] = {}  # by object: its span, and its number in targets

    def tell(self, moment: Moment, image: BagImage, seen: Sequence[Seen]) -> None:
        header, stamp = image.message.header, nanoseconds(image.message.header.stamp)
        at = moment.at(self._spans[0].start.stamped)
        self._stop([id_ for id_, (span, _) in self._current.items() if _ends(span, at)])
        for each in seen:
            if each.id not in self._current:
                self._start(each, moment, stamp, at)
        self._outputs.publish_changes(self._targets.changes(), header)
        tracks = [replace(each.row.whole, id=self._current[each.id][1]) for each in seen]
        tracked = self._targets.follow(tracks, stamp, moment.size)
        self._outputs.publish(Result(header, moment.frame, tracked), self._config.vote_fraction)
        self._outputs.publish_changes(self._targets.changes(), header)

    def _stop(self, ids: Sequence[int]) -> None:
        for id_ in ids:
            del self._current[id_]
            self._targets.stop([str(id_)])

    def _start(self, seen: Seen, moment: Moment, stamp: int, at: int) -> None:
        span = next(each for each in self._spans if each.start.id == seen.id and _holds(each, at))
        target = target_of(span.start, moment.size)
        self._targets.start([Candidate(target, str(seen.id), span.start.label)], moment.frame, stamp)
        self._current[seen.id] = span, max(self._targets.known)


def _holds(span: Span, at: int) -> bool:
    return span.start.at <= at and not _ends(span, at)


class _Remembered:
    """Stands in for the tracker, whose answers are known."""

    frame_size = None

    def __init__(self, config: TrackerConfig) -> None:
        self.config = config

    def sibling(self) -> "_Remembered":
        return self

    def start(self, frame: Any, targets: Sequence[Any], ids: Sequence[int]) -> list[int]:
        return list(ids)

    def absorb(self, other: "_Remembered") -> None: ...

    def stop(self, ids: Sequence[int]) -> None: ...
