"""Masks made anew by the network that fills first boxes: finer ones, for more time than a step takes.

It sees the object twice as large as a search does, with a deeper body, and is told what the step says: the
mask, and a box around it. Both masks vote. Ours; that a mask guides a network to a better one of the same
frame is the idea of MaskTrack (Perazzi et al. 2017).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.tracking.first_frame import MAYBE, SURE, FirstFrame, box_region
from s2iammask_core.tracking.regions import outline, within
from s2iammask_core.tracking.target import Sighting, Target, placed
from s2iammask_core.tracking.track import MaskRegion

MARGIN = 0.06  # of its sides, by which a box is wider than the mask on each
SHARE = 0.55  # of the votes that the new mask has; the step's has the rest


def refined(frame: FirstFrame, targets: Sequence[Target], seen: Sequence[Sighting]) -> list[Sighting]:
    """The sightings of N targets, those whose turn it is with finer masks, and boxes around these."""
    due = [row for row, pair in enumerate(zip(targets, seen, strict=True)) if _is_due(frame, *pair)]
    if not due:
        return list(seen)
    boxes = [box_region(_wider(seen[row].extent), frame.size) for row in due]
    guided = tuple(
        replace(placed(targets[row], _box(box), frame.size), shape=_guide(box, seen[row].mask))
        for row, box in zip(due, boxes, strict=True)
    )
    answer = list(seen)
    for row, box, votes in zip(due, boxes, frame.filled(guided, boxes, mirrored=False), strict=True):
        answer[row] = _with(seen[row], replace(box, probability=votes), frame)
    return answer


def _is_due(frame: FirstFrame, target: Target, sighting: Sighting) -> bool:
    """By turns, so that of several targets as few as can be have theirs in one frame."""
    turn = (target.frames + 1) % frame.config.refine_every == 0
    return turn and sighting.accepted and sighting.is_finite and sighting.outline is not None


def _wider(box: Box) -> Box:
    x, y = MARGIN * box.width, MARGIN * box.height
    return Box(box.x1 - x, box.y1 - y, box.x2 + x, box.y2 + y)


def _box(region: MaskRegion) -> Box:
    height, width = region.pixels.shape
    return Box.from_xywh(region.x, region.y, width, height)


def _guide(box: MaskRegion, mask: MaskRegion) -> MaskRegion:
    """What the network is given: of each pixel of a box as little as a box says, and more the surer a mask
    is of it.
    """
    return replace(box, probability=MAYBE * (1 + within(mask, box)))


def _with(sighting: Sighting, found: MaskRegion, frame: FirstFrame) -> Sighting:
    """The sighting with the mask for which it and what was found vote; as it was if too little is left."""
    config = frame.config
    votes = SHARE * found.probability + (1 - SHARE) * within(sighting.mask, found)
    mask = _above(SURE, found, votes)
    around = outline(mask, config.min_mask_area)
    if around is None:
        return sighting
    wide = outline(_above(config.reach_threshold, found, votes), config.min_mask_area)
    return replace(sighting, mask=mask, outline=around, reach=(wide or around)[0])


def _above(threshold: float, region: MaskRegion, votes: NDArray[np.float32]) -> MaskRegion:
    return MaskRegion(region.x, region.y, votes >= threshold, votes)
