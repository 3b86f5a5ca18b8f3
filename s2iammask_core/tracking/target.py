"""What the tracker remembers, and how one frame's sighting changes it."""

import math
from dataclasses import dataclass, field, replace

from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Frame
from s2iammask_core.tracking.colours import Colours, colours_of
from s2iammask_core.tracking.confidence import Evidence, Health, next_health
from s2iammask_core.tracking.regions import NO_MASK
from s2iammask_core.tracking.runner import Kernels
from s2iammask_core.tracking.track import MaskRegion, Track, TrackState

UNLIKE_LOOKS = 2  # in turn that make a target lost
AGAIN = 3  # frames, at most, from a look that saw something else to the next
LIKENESS_RATE = 0.2  # share of a frame in how like itself a target usually is: it turns around slowly
COLOUR_RATE = 0.07  # share of a frame in the colours that it is known by
SMALLEST_SIDE = 10.0  # frame pixels; the search window never closes around less (SiamMask)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like a target what is tracked as it was, each time that somebody looked."""

    usual: float = 0.0  # similarity of what was like it, in [0, 1]; 0 before the first look
    unlike: int = 0  # looks in turn that saw something else
    frames: int = 0  # since the last look

    @property
    def doubt(self) -> float:
        """Whether what is tracked is still the target: 0 there is none, 1 it is not."""
        return self.unlike / UNLIKE_LOOKS

    def is_due(self, config: TrackerConfig) -> bool:
        """Whether to look at the next frame; who saw something else looks again soon."""
        every = min(config.check_every, AGAIN) if self.unlike else config.check_every
        return 0 < every <= self.frames + 1

    def least(self, config: TrackerConfig) -> float:
        """The similarity that the target itself hardly falls below."""
        return config.check_similarity * self.usual

    def after(self, similarity: float, config: TrackerConfig) -> "Likeness":
        """After a frame with such a similarity, negative or no number where nobody could tell."""
        if not similarity >= 0:
            return replace(self, frames=self.frames + 1)
        if similarity < self.least(config):
            return replace(self, unlike=self.unlike + 1, frames=0)
        rate = _share(LIKENESS_RATE, self.frames + 1)
        return Likeness(self.usual + rate * (similarity - self.usual) if self.usual else similarity)


@dataclass(frozen=True, slots=True)
class Target:
    """One object: where the next search begins, and how sure the tracker is. Frame pixels."""

    id: int
    cx: float
    cy: float
    width: float
    height: float
    believed: Box  # upright box of the last answer that was believed
    border: tuple[float, float, float]  # mean colour of its first frame, fills what lies outside the frame
    health: Health = field(default_factory=Health)
    likeness: Likeness = field(default_factory=Likeness)
    frames: int = 0  # that it was looked for in
    colours: Colours | None = field(default=None, compare=False)  # while it was surely seen; None until then
    shape: MaskRegion | None = field(
        default=None, compare=False
    )  # the last mask believed; None: not asked for


@dataclass(frozen=True, slots=True)
class Memory:
    """All targets. It is replaced whole after a frame, so an error in the middle leaves the last good one."""

    targets: tuple[Target, ...] = ()
    kernels: Kernels | None = None  # (N, ...) of the templates
    frame_size: tuple[int, int] | None = None  # (H, W); None without targets
    next_id: int = 1


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one step saw of one target, in frame pixels."""

    score: float  # [0, 1]
    agreement: float  # [0, 1]
    box: Box  # the best proposal of the box branch
    rate: float  # [0, 1]: how far its size is believed
    mask: MaskRegion
    outline: tuple[Box, RotatedBox] | None  # around the mask; None if it is missing or too small
    reach: Box | None = None  # around the wider mask, which decides where to look next; None as above
    accepted: bool = True  # whether it is the target, where that was in doubt because it had been lost
    hinted: bool = False  # whether it was seen where a detector had hinted at something
    similarity: float = -1.0  # to the target, where it was compared, in [-1, 1]; -1: it was not
    searched: int = 0  # windows that were searched for a lost target, where their number is limited

    @property
    def extent(self) -> Box:
        """The upright box of what was seen."""
        return self.outline[0] if self.outline else self.box

    @property
    def evidence(self) -> Evidence:
        fit = self.outline[0].iou(self.box) if self.outline else 1.0
        return Evidence(self.score, self.agreement, fit)

    @property
    def is_finite(self) -> bool:
        """Whether the network's figures are numbers; in half precision they may overflow."""
        box = (self.box.x1, self.box.y1, self.box.x2, self.box.y2)
        return all(map(math.isfinite, (self.score, self.agreement, self.rate, *box)))


def nothing_seen(target: Target) -> Sighting:
    """What stands for a sighting that cannot be used."""
    return Sighting(0.0, 0.0, target.believed, 0.0, NO_MASK, None, accepted=False)


def follow(
    target: Target, sighting: Sighting, confidence: float, config: TrackerConfig, frame_size: tuple[int, int]
) -> tuple[Target, Track]:
    """The target after a frame, and the answer for it.

    A sighting that nobody can be sure of is reported but not remembered: while the confidence is below
    lost_below, and while a target is lost, its place and size stay those of the last good frame, so that the
    search cannot drift away on noise. A mask that does not fit the best proposal (a part of the object, or
    more than it) is reported, but decides neither the box nor the next search. A lost target answers with the
    box where it was last seen, and no mask.
    """
    target = _judged(target, sighting, confidence, config)
    state = target.health.state
    moved = _moved(target, sighting, config, frame_size)
    fit = sighting.evidence.fit
    if config.compat == "s2iammask" and fit < config.min_mask_fit:
        sighting = replace(sighting, outline=None, reach=None)
    box, rotated = sighting.outline or _plain(moved)
    if config.compat == "s2iammask":
        if state is TrackState.LOST:
            return target, _lost(target, sighting, confidence)
        if confidence < config.lost_below:
            moved = target
        elif sighting.reach and config.state_from_mask:
            moved = placed(target, sighting.reach, frame_size)
        if target.shape is not None and moved is not target:
            moved = replace(moved, shape=sighting.mask if sighting.outline else NO_MASK)
    believed = target.believed if moved is target else sighting.reach or box
    answer = Track(
        target.id,
        state,
        confidence,
        sighting.score,
        sighting.agreement,
        box,
        rotated,
        sighting.mask,
        fit,
        sighting.hinted,
        sighting.similarity,
    )
    return replace(moved, believed=believed), answer


def _judged(target: Target, sighting: Sighting, confidence: float, config: TrackerConfig) -> Target:
    """The target, still where it was, with what is thought of it after a frame."""
    if target.health.state is TrackState.LOST:
        likeness = Likeness(target.likeness.usual)  # what is found begins anew
    else:
        likeness = target.likeness.after(sighting.similarity, config)
    health = next_health(
        target.health,
        confidence,
        config,
        accepted=sighting.accepted,
        searched=sighting.searched,
        doubt=likeness.doubt,
    )
    return replace(target, likeness=likeness, health=health, frames=target.frames + 1)


def recoloured(target: Target, track: Track, frame: Frame, config: TrackerConfig) -> Target:
    """The target with the colours of a frame in which it was surely seen added to those it is known by."""
    sure = track.confidence >= config.tracking_above and track.fit >= config.min_mask_fit
    likeness = target.likeness  # colours of another, which nobody looked at, would stay
    looked = not config.check_every or not likeness.usual or likeness.frames == 0
    if config.compat != "s2iammask" or not sure or not looked or track.state is not TrackState.TRACKING:
        return target
    seen = colours_of(frame, track.mask)
    if seen and target.colours:
        seen = target.colours.blended(seen, _share(COLOUR_RATE, max(config.check_every, 1)))
    return replace(target, colours=seen) if seen else target


def _moved(target: Target, sighting: Sighting, config: TrackerConfig, frame_size: tuple[int, int]) -> Target:
    """The target where the box branch saw it; the size follows as far as the proposal is believed."""
    rate = config.size_rate * sighting.rate
    width = (1 - rate) * target.width + rate * sighting.box.width
    height = (1 - rate) * target.height + rate * sighting.box.height
    return placed(target, Box.from_center(*sighting.box.center, width, height), frame_size)


def placed(target: Target, box: Box, frame_size: tuple[int, int]) -> Target:
    """The target at a box, its centre inside the frame and its sides between 10 pixels and the frame's."""
    frame_height, frame_width = frame_size
    cx, cy = box.center
    return replace(
        target,
        cx=_clamped(cx, 0.0, frame_width),
        cy=_clamped(cy, 0.0, frame_height),
        width=_clamped(box.width, SMALLEST_SIDE, frame_width),
        height=_clamped(box.height, SMALLEST_SIDE, frame_height),
    )


def _share(rate: float, frames: int) -> float:
    """Of what is seen in one of so many frames, in what is known, if each has a share of `rate`."""
    return 1 - (1 - rate) ** frames


def _clamped(value: float, low: float, high: float) -> float:
    return min(max(value, low), float(high))


def _plain(target: Target) -> tuple[Box, RotatedBox]:
    box = Box.from_center(target.cx, target.cy, target.width, target.height)
    return box, RotatedBox.from_box(box)


def _lost(target: Target, sighting: Sighting, confidence: float) -> Track:
    rotated = RotatedBox.from_box(target.believed)
    figures = (confidence, sighting.score, sighting.agreement)
    fit = sighting.evidence.fit
    return Track(
        target.id,
        TrackState.LOST,
        *figures,
        target.believed,
        rotated,
        NO_MASK,
        fit,
        similarity=sighting.similarity,
    )
