"""Whether a way of running a network gives the network's answers: compared on a drawn scene.

What the network answers there was written down once, in fp32, and travels with the weights; so nothing but
the way that is checked has to be loaded.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from s2iammask_core import scene
from s2iammask_core.boxes import Box
from s2iammask_core.config import TrackerConfig, from_mapping
from s2iammask_core.errors import ConfigError, WeightsError
from s2iammask_core.tracking.network import Network
from s2iammask_core.tracking.track import Mask, Track
from s2iammask_core.tracking.tracker import Tracker

NOTE = "expected"  # the note of a weights file that holds the answer
SIZE = (240, 320)  # of the scene, (H, W)
TARGETS, STEPS = 2, (1, 2, 3)  # frames after the first one
FOLLOWS = 0.7  # IoU with the object of a network that knows what it does
ALIKE = 0.9  # IoU of each box and mask; number formats change it by .02, another network by far more


@dataclass(frozen=True, slots=True)
class Expected:
    """What a network answers to the scene."""

    settings: dict[str, Any]  # of the tracker
    boxes: list[tuple[float, float, float, float]]  # of each target in each frame, the frames in order
    masks: list[str]  # of the whole frame, as `_packed`


def with_expectation(network: Network, notes: Mapping[str, str], config: TrackerConfig) -> dict[str, str]:
    """Notes of weights with what their network, as it was trained, answers with these settings.

    Without it if the network does not follow the objects: an untrained one answers by chance, and differently
    after each rounding.
    """
    others = {name: text for name, text in notes.items() if name != NOTE}
    tracks = tracks_of(Tracker.of(network, config))
    if min(track.box.iou(truth) for track, truth in zip(tracks, _truth(), strict=True)) < FOLLOWS:
        return others
    boxes = [(each.box.x1, each.box.y1, each.box.x2, each.box.y2) for each in tracks]
    masks = [_packed(each.mask.full(*SIZE)) for each in tracks]
    return {**others, NOTE: json.dumps(asdict(Expected(asdict(config), boxes, masks)))}


def objection(tracker: Tracker, notes: Mapping[str, str]) -> str:
    """What speaks against a way of running that a tracker uses, in words; nothing if all is well."""
    return objection_to(agreement(tracker, notes))


def objection_to(worst: float | None) -> str:
    """The same of an agreement."""
    if worst is None or worst >= ALIKE:
        return ""
    return f"its answers are not the network's (IoU {worst:.2f} on a drawn scene)"


def agreement(tracker: Tracker, notes: Mapping[str, str]) -> float | None:
    """The lowest IoU of a box or mask with that of the network.

    The way is tried in any case; None where the notes do not say what is expected, or of another method.
    """
    expected = _read(notes)
    if expected is None or expected[0].compat != tracker.config.compat:
        tracks_of(tracker)
        return None
    config, boxes, masks = expected
    found = tracks_of(tracker.sibling(config))
    return min(_likeness(*each) for each in zip(found, boxes, masks, strict=True))


def tracks_of(tracker: Tracker) -> list[Track]:
    """The tracks of the scene by a sibling of a tracker, frame by frame."""
    fresh = tracker.sibling()
    fresh.start(scene.frame(TARGETS, *SIZE, 0), scene.boxes(TARGETS, *SIZE, 0))
    return [track for step in STEPS for track in fresh.track(scene.frame(TARGETS, *SIZE, step))]


def _truth() -> list[Box]:
    return [box for step in STEPS for box in scene.boxes(TARGETS, *SIZE, step)]


def _likeness(track: Track, box: Box, mask: Mask) -> float:
    found = track.mask.full(*SIZE)
    union = np.count_nonzero(found | mask)
    return min(track.box.iou(box), np.count_nonzero(found & mask) / union if union else 1.0)


def _read(notes: Mapping[str, str]) -> tuple[TrackerConfig, list[Box], list[Mask]] | None:
    """Settings, boxes and masks; None without them, or if the settings are those of another version."""
    if NOTE not in notes:
        return None
    try:
        expected = Expected(**json.loads(notes[NOTE]))
        boxes = [Box(*corners) for corners in expected.boxes]
        masks = [_unpacked(text) for text in expected.masks]
    except (ValueError, TypeError, zlib.error) as error:
        raise WeightsError(
            f"the expected answer among the notes of the weights is broken: {error}"
        ) from error
    try:
        return from_mapping(TrackerConfig, expected.settings), boxes, masks
    except ConfigError:
        return None


def _packed(mask: Mask) -> str:
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes(), 9)).decode()


def _unpacked(text: str) -> Mask:
    bits = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.unpackbits(bits, count=SIZE[0] * SIZE[1]).reshape(SIZE).astype(np.bool_)
