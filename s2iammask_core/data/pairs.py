"""Pairs of template and search crop, each a pure function of the seed and its index.

So a run that resumes, or that is spread over several processes, sees just the pairs of one that was never
interrupted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import Dataset

from s2iammask_core.config import check, setting
from s2iammask_core.data.annotations import Annotation, Video, VideoSet
from s2iammask_core.data.compose import compose
from s2iammask_core.data.cutting import Cutout, Pixels, cut
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.pictures import read_picture

TRIES = 10  # draws until another video is given up


@dataclass(frozen=True)
class PairConfig:
    """What pairs are made of (SiamMask's sampling, and copy-paste for little data)."""

    template_crop: int = setting(159, "side of the crop that templates are cut from, pixels", 127, 511)
    search_crop: int = setting(431, "side of the crop that search patches are cut from, pixels", 143, 1023)
    negative: float = setting(0.1, "share of pairs whose search crop shows another object", 0.0, 1.0)
    composed: float = setting(0.25, "share of pairs whose search crop is composed by copy-paste", 0.0, 1.0)
    others: int = setting(2, "most distractors and occluders in a composed crop", 0, 8)

    def __post_init__(self) -> None:
        check(self)


class Pair(NamedTuple):
    """One training pair; a batch of them has a leading dimension N."""

    template: Tensor  # (T, T, 3) uint8 RGB, the object in the middle
    search: Tensor  # (C, C, 3) uint8 RGB
    mask: Tensor  # (C, C) uint8, 0 or 255, of the object in the search crop
    box: Tensor  # (4,) float32 x1 y1 x2 y2 of the object in the search crop
    positive: Tensor  # bool: the search crop shows the template's object
    has_mask: Tensor  # bool
    noise: Tensor  # (64,) float32 in [0, 1): what the augmentation on the device draws from
    seed: Tensor  # int64: seeds the choice among anchors and proposals


def begin_worker(number: int) -> None:
    """What a process that loads pairs does first: the processes share the cores, so each uses one thread."""
    cv2.setNumThreads(1)


class PairDataset(Dataset[Pair]):
    """An endless list of pairs. Data sets take part by their num_use, or the number of their videos."""

    def __init__(self, sets: Sequence[VideoSet], config: PairConfig, seed: int, length: int) -> None:
        self._sets = list(sets)
        self._config = config
        self._seed = seed
        self._length = length
        weights = np.array([each.num_use or len(each.videos) for each in sets], np.float64)
        self._share = weights / weights.sum()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng((self._seed, index))
        kind = rng.random()
        video, template, search = self._positive(rng)
        negative = self._config.negative
        other = self._other_cutout(rng, video) if kind < negative else None
        if other is not None:
            search = other
        elif negative <= kind < negative + self._config.composed and search.mask.any():
            search = self._composed(search, video, rng)
        return Pair(
            torch.from_numpy(template.pixels),
            torch.from_numpy(search.pixels),
            torch.from_numpy(search.mask),
            torch.tensor(search.box, dtype=torch.float32),
            torch.tensor(other is None),
            torch.tensor(search.has_mask),
            torch.from_numpy(rng.random(64, dtype=np.float32)),
            torch.tensor(int(rng.integers(2**62))),
        )

    def _pick(self, rng: Generator) -> tuple[VideoSet, Video, int]:
        chosen = self._sets[int(rng.choice(len(self._sets), p=self._share))]
        video = chosen.videos[int(rng.integers(len(chosen.videos)))]
        return chosen, video, list(video.tracks)[int(rng.integers(len(video.tracks)))]

    def _pick_other(self, rng: Generator, video: Video) -> tuple[Video, int] | None:
        """A track of another video; its own may show the object again. None where there is hardly another."""
        for _ in range(TRIES):
            _, other, track = self._pick(rng)
            if other.frames[0] != video.frames[0]:
                return other, track
        return None

    def _positive(self, rng: Generator) -> tuple[Video, Cutout, Cutout]:
        """A video, and template and search crop of one object of it, at most the set's frame_range annotated
        frames apart.

        Where a track names hard frames, search crops come from these alone.
        """
        chosen, video, track = self._pick(rng)
        annotations = video.tracks[track]
        frames, hard = list(annotations), video.hard.get(track, ())
        drawn = hard[int(rng.integers(len(hard)))] if hard else int(rng.integers(len(frames)))
        low, high = max(0, drawn - chosen.frame_range), min(len(frames) - 1, drawn + chosen.frame_range)
        near = int(rng.integers(low, high + 1))
        first, second = (near, drawn) if hard else (drawn, near)
        return (
            video,
            self._cut(video, frames[first], annotations[frames[first]], self._config.template_crop),
            self._cut(video, frames[second], annotations[frames[second]], self._config.search_crop),
        )

    def _other_cutout(self, rng: Generator, video: Video) -> Cutout | None:
        """A search crop of an object of another video."""
        picked = self._pick_other(rng, video)
        if picked is None:
            return None
        other, track = picked
        frames = list(other.tracks[track])
        frame = frames[int(rng.integers(len(frames)))]
        return self._cut(other, frame, other.tracks[track][frame], self._config.search_crop)

    def _composed(self, target: Cutout, video: Video, rng: Generator) -> Cutout:
        """The target amid objects and on a picture of other videos; as it is where there are none."""
        drawn = [self._other_cutout(rng, video) for _ in range(int(rng.integers(self._config.others + 1)))]
        picked = self._pick_other(rng, video)
        if picked is None:
            return target
        others = [each for each in drawn if each is not None and each.has_mask]
        return compose(target, self._scenery(rng, picked[0]), others, rng)

    def _scenery(self, rng: Generator, video: Video) -> Pixels:
        """A random square of a random picture of a video, that fills a search crop."""
        picture = read_picture(video.frames[int(rng.integers(len(video.frames)))])
        height, width = picture.shape[:2]
        side = int(min(height, width) * rng.uniform(0.5, 1.0))
        y, x = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
        size = (self._config.search_crop, self._config.search_crop)
        return np.asarray(cv2.resize(picture[y : y + side, x : x + side], size), np.uint8)

    @staticmethod
    def _cut(video: Video, frame: int, annotation: Annotation, pixels: int) -> Cutout:
        path = video.frames[frame]
        picture = read_picture(path)
        try:
            return cut(picture, annotation, pixels)
        except DatasetError as error:
            raise DatasetError(f"{path}: {error}") from error
