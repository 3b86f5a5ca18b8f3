"""The first frame: from a box to the mask that is remembered. A network that can fills the box; there is no
deadline at a start, so any other looks several times.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Crop, Frame, HostArray
from s2iammask_core.tracking.answer import FULL_LEVEL, Answer
from s2iammask_core.tracking.regions import Window, mask_region, windows_of, within
from s2iammask_core.tracking.runner import Kernels, Search
from s2iammask_core.tracking.start import Start
from s2iammask_core.tracking.target import Target
from s2iammask_core.tracking.track import Mask, MaskRegion
from s2iammask_core.tracking.windows import aim_at

ZOOMS = (0.8, 1.0, 1.25)  # of the windows that are looked through, by the usual one
ROUNDS = 2  # with nothing remembered, then with the mask that was found so
MAYBE = 0.5  # what a box says of each of its pixels
SURE = 0.5  # share of the votes of a pixel of the mask
LEAST_PART = 0.1  # of the box that a mask must fill


class Looker(Protocol):
    """What a first frame asks of a method."""

    def templates(
        self, frame: Frame, targets: tuple[Target, ...], config: TrackerConfig, *, shaped: bool = False
    ) -> Kernels: ...

    def answers(self, search: Search, config: TrackerConfig) -> list[Answer]: ...

    @property
    def first_pixels(self) -> int: ...

    def first_masks(
        self, frame: Frame, targets: tuple[Target, ...], config: TrackerConfig, *, mirrored: bool
    ) -> tuple[Crop[HostArray], NDArray[np.float32]]: ...


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """A frame in which targets begin."""

    frame: Frame
    config: TrackerConfig
    looker: Looker

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)"""
        return int(self.frame.shape[0]), int(self.frame.shape[1])

    def begin(
        self, targets: tuple[Target, ...], starts: Sequence[Start], blank: Kernels
    ) -> tuple[tuple[Target, ...], Kernels]:
        """The targets with their shapes, and what is remembered of them (N, V), which begins as `blank`."""
        given = [None if start.mask is None else region_of(start.mask) for start in starts]
        boxes = [box_region(target.believed, self.size) for target in targets]
        shaped, kernels = _with(targets, given, boxes), blank
        if None not in given:
            return shaped, self._templates(shaped)
        if self.looker.first_pixels:
            votes = self.filled(shaped, boxes, mirrored=True)
            shaped = _with(targets, given, [_sure(*pair) for pair in zip(boxes, votes, strict=True)])
            return shaped, self._templates(shaped)
        for _ in range(ROUNDS):
            shaped = _with(targets, given, self._looked(shaped, kernels, boxes))
            kernels = self._templates(shaped)
        return shaped, kernels

    def _templates(self, targets: tuple[Target, ...]) -> Kernels:
        return self.looker.templates(self.frame, targets, self.config, shaped=True)

    def filled(
        self, targets: tuple[Target, ...], boxes: Sequence[MaskRegion], *, mirrored: bool
    ) -> list[NDArray[np.float32]]:
        """For each target the share of the votes of the pixels of its box, (h, w), by the network that fills
        boxes; what is known of the object there are the targets' shapes.
        """
        crop, masks = self.looker.first_masks(self.frame, targets, self.config, mirrored=mirrored)
        levels = np.rint(masks * FULL_LEVEL).astype(np.uint8)
        return [
            _votes_in(box, (each, FULL_LEVEL), window, self.size)
            for box, each, window in zip(boxes, levels, windows_of(crop), strict=True)
        ]

    def _looked(
        self, targets: tuple[Target, ...], kernels: Kernels, boxes: Sequence[MaskRegion]
    ) -> list[MaskRegion]:
        """The targets' masks by several looks, inside their boxes; a box where they find next to none."""
        means = [np.zeros(box.pixels.shape, np.float32) for box in boxes]
        for zoom in ZOOMS:
            for mean, seen in zip(means, self._seen(targets, kernels, boxes, zoom), strict=True):
                mean += seen / len(ZOOMS)
        return [_sure(*pair) for pair in zip(boxes, means, strict=True)]

    def _seen(
        self, targets: tuple[Target, ...], kernels: Kernels, boxes: Sequence[MaskRegion], zoom: float
    ) -> list[NDArray[np.float32]]:
        """For each target the share of the votes of the pixels of its box, (h, w), in a window so zoomed."""
        usual = aim_at(targets, self.config, zoom)
        everywhere = np.ones(len(targets))
        aim = replace(usual, window=everywhere * 0, temporal=everywhere)  # the box is known
        answers = self.looker.answers(Search(self.frame, kernels, aim), self.config)
        return [
            _votes_in(box, (answer.levels, answer.voters), window, self.size)
            for box, answer, window in zip(boxes, answers, windows_of(aim.crop), strict=True)
        ]


def region_of(mask: Mask) -> MaskRegion:
    """A mask (H, W) of the whole frame, cut out."""
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    pixels = mask[y : y + height, x : x + width].copy()  # whoever gave it may change it
    return MaskRegion(x, y, pixels, pixels.astype(np.float32))


def box_region(box: Box, frame_size: tuple[int, int]) -> MaskRegion:
    """The pixels that a box touches in a frame (H, W), of each of which it says as little as a box can."""
    height, width = frame_size
    x1, y1 = max(math.floor(box.x1), 0), max(math.floor(box.y1), 0)
    x2, y2 = min(max(math.ceil(box.x2), x1 + 1), width), min(max(math.ceil(box.y2), y1 + 1), height)
    pixels = np.ones((y2 - y1, x2 - x1), np.bool_)
    return MaskRegion(x1, y1, pixels, np.full(pixels.shape, MAYBE, np.float32))


def _with(
    targets: tuple[Target, ...], given: Sequence[MaskRegion | None], found: Sequence[MaskRegion]
) -> tuple[Target, ...]:
    """The targets with the shapes that were given, and else with those that were found."""
    return tuple(
        replace(target, shape=mask or other)
        for target, mask, other in zip(targets, given, found, strict=True)
    )


def _votes_in(
    box: MaskRegion, levels: tuple[NDArray[np.uint8], float], window: Window, frame_size: tuple[int, int]
) -> NDArray[np.float32]:
    """(h, w) in [0, 1]: the share of the votes that the pixels of a box have, of levels (P, P) in a window
    and the highest that there can be.
    """
    return within(mask_region(*levels, 0.0, window, frame_size), box)


def _sure(box: MaskRegion, votes: NDArray[np.float32]) -> MaskRegion:
    """The shape of which votes (h, w) in a box are sure; the box itself if that is next to nothing."""
    pixels = votes >= SURE
    return MaskRegion(box.x, box.y, pixels, votes) if pixels.mean() >= LEAST_PART else box
