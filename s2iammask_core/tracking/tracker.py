"""The tracker: start it on objects of a frame, then track each next frame."""

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, fields, replace
from operator import index

import numpy as np

from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.config import TrackerConfig
from s2iammask_core.errors import ConfigError, FrameError, TargetError
from s2iammask_core.geometry import Frame, mean_colour
from s2iammask_core.tracking.arrays import joined
from s2iammask_core.tracking.confidence import WITH_VOTES, WITHOUT_VOTES, ConfidenceModel
from s2iammask_core.tracking.frames import checked_frame
from s2iammask_core.tracking.method import Method, Scene
from s2iammask_core.tracking.network import Network
from s2iammask_core.tracking.runner import StepRunner
from s2iammask_core.tracking.start import StartTarget, checked_start
from s2iammask_core.tracking.target import (
    Likeness,
    Memory,
    Sighting,
    Target,
    follow,
    nothing_seen,
    recoloured,
)
from s2iammask_core.tracking.track import Track

MOST_TARGETS = 256  # of the setting max_targets
GREY_FRAME = np.full((480, 640, 3), 128, np.uint8)
GREY_BOX = Box.from_center(320, 240, 80, 60)
WARM_UP_STEPS = 2


class Tracker:
    """Follows any number of objects at once, by id. A frame is (H, W, 3) uint8 RGB, an array or a tensor.

    Every verb either succeeds or raises and leaves the tracker as it was. One thread at a time may use it.
    """

    def __init__(
        self,
        method: Method,
        config: TrackerConfig = TrackerConfig(),
        confidence: ConfidenceModel | None = None,
        runtime: str = "eager",
    ) -> None:
        votes = method.mask_source == "roi"
        self._method, self._config, self._runtime = method, config, runtime
        self._confidence = confidence or (WITH_VOTES if votes else WITHOUT_VOTES)
        self._memory = Memory()

    @classmethod
    def of(
        cls,
        network: Network,
        config: TrackerConfig = TrackerConfig(),
        runner: StepRunner | None = None,
        confidence: ConfidenceModel | None = None,
        runtime: str = "eager",
    ) -> "Tracker":
        """A tracker with a network of PyTorch; its steps run operation by operation without a runner."""
        from s2iammask_core.tracking.methods import method_of  # PyTorch, which exported networks need not

        return cls(method_of(network, config, runner), config, confidence, runtime)

    @property
    def config(self) -> TrackerConfig:
        return self._config

    @property
    def device(self) -> str:
        """Where the network runs: cpu or cuda:N."""
        return self._method.device

    @property
    def runtime(self) -> str:
        """How the network runs, as RuntimeConfig names it."""
        return self._runtime

    @property
    def confidence_model(self) -> ConfidenceModel:
        """What makes the confidence of score and agreement."""
        return self._confidence

    def warm_up(self) -> None:
        """Does once, on a grey frame, what takes long the first time, so that neither the first frames nor
        more targets, nor the search for lost ones, have to wait for it. Targets stay as they are.
        """
        config = self._config
        most = config.max_targets + config.redetect_patches + config.redetect_hints
        for count in self._method.sizes(min(most, MOST_TARGETS)):
            alone = replace(config, max_targets=count, redetect_patches=0, redetect_hints=0)
            other = Tracker(self._method, alone, self._confidence)
            other.start(GREY_FRAME, [GREY_BOX] * count)
            for _ in range(WARM_UP_STEPS):
                other.track(GREY_FRAME)

    def sibling(self, config: TrackerConfig | None = None) -> "Tracker":
        """A tracker without targets that shares network and, if none are given, settings with this one."""
        other = copy(self)
        other._memory, other._config = Memory(), config or self._config
        return other

    def twin(self) -> "Tracker":
        """A tracker with the same targets, which go their own ways from here on; the network is shared."""
        return copy(self)  # what is remembered is replaced, never changed

    def absorb(self, other: "Tracker") -> None:
        """Takes over all targets of a sibling, after its own ones; on an error both stay as they were."""
        added, known = other._memory, self._memory
        if not added.targets:
            return
        if known.frame_size not in (None, added.frame_size):
            raise FrameError(
                f"targets in frames of {added.frame_size} cannot join those of {known.frame_size}"
            )
        self._checked_ids(len(added.targets), other.ids)
        kernels = [memory.kernels for memory in (known, added) if memory.kernels is not None]
        next_id = max(known.next_id, added.next_id)
        self._memory = Memory(known.targets + added.targets, joined(kernels), added.frame_size, next_id)
        other._memory = Memory(next_id=next_id)

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of the targets, in the order of starting."""
        return tuple(target.id for target in self._memory.targets)

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is remembered of each target, in the order of starting."""
        return self._memory.targets

    @property
    def frame_size(self) -> tuple[int, int] | None:
        """(H, W) of the frames that the targets live in; None without targets."""
        return self._memory.frame_size

    def start(
        self, frame: Frame, targets: Sequence[StartTarget], ids: Sequence[int] | None = None
    ) -> list[int]:
        """Begins to follow objects as they are in this frame; returns their ids, given or new.

        A target is a Box, a RotatedBox, a polygon (M, 2) or a bool mask (H, W). A mask is remembered as it is
        by networks with a memory; of the others the object's pixels are found inside.
        """
        size = self._checked_size(frame)
        if isinstance(targets, (Box, RotatedBox)):
            raise TargetError("targets are given as a list, even a single one: [box]")
        starts = [checked_start(target, size) for target in targets]
        names = self._checked_ids(len(starts), ids)
        if not starts:
            return []
        border = mean_colour(frame)
        places = [self._method.place(start, size) for start in starts]
        added = tuple(
            _target(name, box, border, number, self._config)
            for number, (name, box) in enumerate(zip(names, places, strict=True))
        )
        added, kernels = self._method.begin(frame, added, starts, self._config)
        known = self._memory.kernels
        self._memory = Memory(
            self._memory.targets + added,
            kernels if known is None else joined([known, kernels]),
            size,
            max(self._memory.next_id, *(name + 1 for name in names)),
        )
        return names

    def track(self, frame: Frame, hints: Sequence[Box] = ()) -> list[Track]:
        """Where the targets are in the next frame, in the order of starting; empty without targets.

        Hints are boxes, of a detector for instance, in which lost targets are also looked for. They are no
        more than places to look; those that no object in the frame can have are ignored.
        """
        return track_together([Shot(self, frame, hints)])[0]

    def stop(self, ids: Sequence[int] | None = None) -> None:
        """Forgets these targets, or all; TargetError for an unknown id, and then nothing is forgotten."""
        gone = set(self.ids if ids is None else ids)
        if unknown := gone.difference(self.ids):
            raise TargetError(f"unknown target ids {sorted(unknown)}; tracked are {list(self.ids)}")
        left = [row for row, target in enumerate(self._memory.targets) if target.id not in gone]
        if not left or self._memory.kernels is None:
            self._memory = Memory(next_id=self._memory.next_id)
            return
        targets = tuple(self._memory.targets[row] for row in left)
        self._memory = replace(self._memory, targets=targets, kernels=self._memory.kernels[left])

    def reconfigure(self, config: TrackerConfig) -> None:
        """Uses other settings from the next frame on; ConfigError if one cannot change while tracking."""
        for each in fields(config):
            if not each.metadata["live"] and getattr(config, each.name) != getattr(self._config, each.name):
                raise ConfigError(f"{each.name} cannot change while tracking; make a new tracker")
        self._config = config

    def _scene(self, shot: "Shot") -> Scene | None:
        """What to look for in the next frame, None without targets; FrameError if the frame does not fit."""
        self._checked_size(shot.frame)
        memory = self._memory
        if memory.kernels is None:
            return None
        return Scene(shot.frame, memory.targets, memory.kernels, shot.hints, shot.search_time)

    def _followed(self, scene: Scene, sightings: Sequence[Sighting]) -> tuple[Memory, list[Track]]:
        """The memory after a frame, and the answers for it."""
        pairs = [self._follow(*pair, scene) for pair in zip(scene.targets, sightings, strict=True)]
        memory = replace(self._memory, targets=tuple(target for target, _ in pairs))
        return memory, [track for _, track in pairs]

    def _follow(self, target: Target, sighting: Sighting, scene: Scene) -> tuple[Target, Track]:
        usable = sighting if sighting.is_finite else nothing_seen(target)
        confidence = self._confidence.confidence(usable.evidence)
        followed, track = follow(target, usable, confidence, self._config, scene.size)
        return recoloured(followed, track, scene.frame, self._config), track

    def _checked_size(self, frame: Frame) -> tuple[int, int]:
        height, width, _ = checked_frame(frame).shape
        size, known = (int(height), int(width)), self._memory.frame_size
        if known is not None and size != known:
            raise FrameError(
                f"the frame has {size} rows and columns, tracking began with {known}; "
                "stop the targets and start them on the new size"
            )
        return size

    def _checked_ids(self, count: int, ids: Sequence[int] | None) -> list[int]:
        if len(self._memory.targets) + count > self._config.max_targets:
            raise TargetError(f"more than max_targets = {self._config.max_targets} targets; stop some first")
        if ids is None:
            return list(range(self._memory.next_id, self._memory.next_id + count))
        names = _whole(ids)
        if len(names) != count:
            raise TargetError(f"{count} targets but {len(names)} ids; give one id for each")
        taken = sorted({name for name in names if names.count(name) > 1 or name in self.ids})
        if taken or min(names, default=0) < 0:
            raise TargetError(f"ids must be new and not negative; got {names}, taken are {list(self.ids)}")
        return names


@dataclass(frozen=True, slots=True)
class Shot:
    """The next frame of a tracker."""

    tracker: Tracker
    frame: Frame
    hints: Sequence[Box] = ()  # as for track
    # seconds that the search for lost targets may take, of all frames that are tracked together; with a limit
    # the answers depend on how fast the device is
    search_time: float = math.inf


def track_together(shots: Sequence[Shot]) -> list[list[Track]]:
    """What each tracker's `track` would answer for its frame; the frames may differ in size.

    Trackers with equal settings that share a network, as siblings do, go through it as one batch. It raises
    and leaves all trackers as they were if one frame does not fit; the FrameError says which.
    """
    if len({id(shot.tracker) for shot in shots}) < len(shots):
        raise FrameError("a tracker takes one frame at a time; give each tracker once")
    scenes = [_scene_of(shots, number) for number in range(len(shots))]
    turns = [(shot.tracker, scene) for shot, scene in zip(shots, scenes, strict=True) if scene]
    looks = zip(turns, _looked(turns), strict=True)
    outcomes = [tracker._followed(scene, sightings) for (tracker, scene), sightings in looks]
    for (tracker, _), (memory, _) in zip(turns, outcomes, strict=True):
        tracker._memory = memory
    answers = iter(tracks for _, tracks in outcomes)
    return [next(answers) if scene else [] for scene in scenes]


def _scene_of(shots: Sequence[Shot], number: int) -> Scene | None:
    shot = shots[number]
    try:
        return shot.tracker._scene(shot)
    except FrameError as error:
        if len(shots) == 1:
            raise
        raise FrameError(f"frame {number + 1} of {len(shots)}: {error}") from error


def _looked(turns: Sequence[tuple[Tracker, Scene]]) -> list[list[Sighting]]:
    """The sightings of each scene's targets; one step for all that share a network and settings."""
    groups: dict[tuple[Method, TrackerConfig], list[int]] = {}
    for number, (tracker, _) in enumerate(turns):
        groups.setdefault((tracker._method, tracker._config), []).append(number)
    seen: dict[int, list[Sighting]] = {}
    for (method, config), numbers in groups.items():
        seen |= zip(numbers, method.look([turns[number][1] for number in numbers], config), strict=True)
    return [seen[number] for number in range(len(turns))]


def _whole(ids: Sequence[int]) -> list[int]:
    try:
        return [index(name) for name in ids]
    except TypeError as error:
        raise TargetError(f"ids must be whole numbers, got {list(ids)}") from error


def _target(
    name: int, box: Box, border: tuple[float, float, float], number: int, config: TrackerConfig
) -> Target:
    """A new target, the n-th of a start: what is done now and then is not done for all in one frame."""
    likeness = Likeness(frames=number % max(config.check_every, 1))
    return Target(name, *box.center, box.width, box.height, box, border, likeness=likeness, frames=number)
