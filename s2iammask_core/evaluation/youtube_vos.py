"""J and F of YouTube-VOS, apart for the categories that its training set has and those that it has not."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from s2iammask_core.evaluation.davis import ObjectScore

# Those of the training set.
# fmt: off
SEEN_CATEGORIES = frozenset({
    "airplane", "ape", "bear", "bike", "bird", "boat", "bucket", "bus", "camel", "cat", "cow", "crocodile",
    "deer", "dog", "dolphin", "duck", "eagle", "earless_seal", "elephant", "fish", "fox", "frisbee", "frog",
    "giant_panda", "giraffe", "hand", "hat", "hedgehog", "horse", "knife", "leopard", "lion", "lizard",
    "monkey", "motorbike", "mouse", "others", "owl", "paddle", "parachute", "parrot", "penguin", "person",
    "plant", "rabbit", "raccoon", "sedan", "shark", "sheep", "sign", "skateboard", "snail", "snake",
    "snowboard", "squirrel", "surfboard", "tennis_racket", "tiger", "toilet", "train", "truck", "turtle",
    "umbrella", "whale", "zebra",
})
# fmt: on


@dataclass(frozen=True, slots=True, eq=False)
class YoutubeVosScore:
    """Means over objects of the means over frames, in [0, 1]; NaN where there are no such objects."""

    j_seen: float
    f_seen: float
    j_unseen: float
    f_unseen: float
    objects: tuple[ObjectScore, ...]

    @property
    def overall(self) -> float:
        """The mean of those of the four that are known."""
        values = [self.j_seen, self.f_seen, self.j_unseen, self.f_unseen]
        return float(np.mean([value for value in values if not math.isnan(value)]))


def score(objects: tuple[ObjectScore, ...], categories: Mapping[tuple[str, int], str]) -> YoutubeVosScore:
    """What YouTube-VOS reports.

    Args:
        categories: of each object, by its sequence and id.
    """
    seen = [each for each in objects if categories[each.sequence, each.object_id] in SEEN_CATEGORIES]
    unseen = [each for each in objects if categories[each.sequence, each.object_id] not in SEEN_CATEGORIES]
    return YoutubeVosScore(*_means(seen), *_means(unseen), objects)


def _means(objects: list[ObjectScore]) -> tuple[float, float]:
    if not objects:
        return math.nan, math.nan
    j, f = [each.j.mean() for each in objects], [each.f.mean() for each in objects]
    return float(np.mean(j)), float(np.mean(f))
