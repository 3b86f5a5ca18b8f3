"""Pairs of template and search crop, each a pure function of the seed and its index.

So a run that resumes, or that is spread over several processes, sees just the pairs of one that was never
interrupted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import Dataset

from s2iammask_core.config import Checked, setting
from s2iammask_core.data.annotations import Video, VideoSet
from s2iammask_core.data.compose import accompany, compose
from s2iammask_core.data.cutting import TEMPLATE_PIXELS, Cutout, Pixels, cut, levels_around
from s2iammask_core.data.mask_sources import KNOWN_OBJECT
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.pictures import read_picture

TRIES = 10  # draws until another video is given up
NOISE = 144  # random numbers that travel with a pair
AT_HOME = 0.3  # share of composed crops in which the object's own surroundings stay


@dataclass(frozen=True)
class PairConfig(Checked):
    """What pairs are made of (SiamMask's sampling, and copy-paste for little data)."""

    template_crop: int = setting(159, "side of the crop that templates are cut from, pixels", 127, 511)
    search_crop: int = setting(431, "side of the crop that search patches are cut from, pixels", 143, 1023)
    search_filled: int = setting(
        127, "pixels of this crop that an object fills with its context; 127 as in a template", 64, 511
    )
    negative: float = setting(0.1, "share of pairs whose search crop shows another object", 0.0, 1.0)
    composed: float = setting(0.25, "share of pairs whose search crop is composed by copy-paste", 0.0, 1.0)
    others: int = setting(2, "most distractors and occluders in a composed crop", 0, 8)
    alike: float = setting(
        0.5, "share of these that are of the object's own kind, where one is known", 0.0, 1.0
    )
    same_frame: float = setting(
        0.0, "share of a video's pairs whose search crop is of the template's own frame", 0.0, 1.0
    )
    compressed: float = setting(0.0, "share of search crops that went through a strong JPEG", 0.0, 1.0)


class Pair(NamedTuple):
    """One training pair; a batch of them has a leading dimension N. Masks have the levels of mask_sources."""

    template: Tensor  # (T, T, 3) uint8 RGB, the object in the middle
    template_mask: Tensor  # (T, T) uint8, of the object in the template crop
    search: Tensor  # (C, C, 3) uint8 RGB
    mask: Tensor  # (C, C) uint8, of the object in the search crop
    prior: Tensor  # (C, C) uint8, of the object shortly before, in the very window of the search crop
    box: Tensor  # (4,) float32 x1 y1 x2 y2 of the object in the search crop
    positive: Tensor  # bool: the search crop shows the template's object
    has_mask: Tensor  # bool
    same: Tensor  # bool: both crops are of one frame, and nothing was changed in it
    moved: Tensor  # bool: the prior is of another frame than the search crop
    noise: Tensor  # (NOISE,) float32 in [0, 1): what the augmentation on the device draws from
    seed: Tensor  # int64: seeds the choice among anchors and proposals


@dataclass(frozen=True, slots=True)
class _Seen:
    """The crops of a pair before anything is done to them."""

    video: Video
    track: int
    template: Cutout
    search: Cutout
    prior: Pixels  # (C, C) levels
    same: bool
    moved: bool


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
        self._kinds = _kinds(self._sets)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng((self._seed, index))
        kind = rng.random()
        seen = self._positive(rng)
        negative = self._config.negative
        other = self._absent(rng, seen.video) if kind < negative else None
        if other is not None:
            seen = replace(seen, search=other, same=False)
        elif negative <= kind < negative + self._config.composed and (seen.search.mask == KNOWN_OBJECT).any():
            made = self._composed(seen, rng)
            seen = replace(seen, search=made, prior=made.mask, same=False, moved=False)
        search = self._compressed(seen.search.pixels, rng)
        return Pair(
            torch.from_numpy(seen.template.pixels),
            torch.from_numpy(seen.template.mask),
            torch.from_numpy(search),
            torch.from_numpy(seen.search.mask),
            torch.from_numpy(seen.prior),
            torch.tensor(seen.search.box, dtype=torch.float32),
            torch.tensor(other is None),
            torch.tensor(seen.search.has_mask),
            torch.tensor(seen.same),
            torch.tensor(seen.moved),
            torch.from_numpy(rng.random(NOISE, dtype=np.float32)),
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

    def _positive(self, rng: Generator) -> _Seen:
        """Template and search crop of one object of a video, at most the set's frame_range annotated frames
        apart, and its mask in a frame at most step_range from the search crop's.

        Where a track names hard frames, search crops come from these alone.
        """
        chosen, video, track = self._pick(rng)
        frames, hard = list(video.tracks[track]), video.hard.get(track, ())
        drawn = hard[int(rng.integers(len(hard)))] if hard else int(rng.integers(len(frames)))
        low, high = max(0, drawn - chosen.frame_range), min(len(frames) - 1, drawn + chosen.frame_range)
        near = int(rng.integers(low, high + 1))
        if rng.random() < self._config.same_frame:
            near = drawn
        first, second = (near, drawn) if hard else (drawn, near)
        before = self._before(rng, second, len(frames), chosen.step_range)
        search = self._cut_search(video, track, frames[second])
        return _Seen(
            video,
            track,
            self._cut(video, track, frames[first], self._config.template_crop, TEMPLATE_PIXELS),
            search,
            search.mask if before == second else self._prior(video, track, frames[second], frames[before]),
            same=first == second,
            moved=before != second,
        )

    @staticmethod
    def _before(rng: Generator, place: int, count: int, step_range: int) -> int:
        """The place in a track of what stands for the frame before; on either side, since time has none."""
        step = int(rng.integers(1, step_range + 1)) if step_range else 0
        before = place - step if rng.random() < 0.5 else place + step
        return before if 0 <= before < count else place

    def _absent(self, rng: Generator, video: Video) -> Cutout | None:
        """A search crop without the object: of another video in which all that is like it is labelled."""
        for _ in range(TRIES):
            picked = self._pick_other(rng, video)
            if picked is not None and picked[0].complete:
                return self._any_cut(rng, *picked)
        return None

    def _other_cutout(self, rng: Generator, seen: _Seen) -> Cutout | None:
        """A search crop of an object of another video, often of the same kind."""
        kind = seen.video.kinds.get(seen.track, "")
        alike = self._kinds.get(kind, ())
        if kind and len(alike) > 1 and rng.random() < self._config.alike:
            number, position, track = alike[int(rng.integers(len(alike)))]
            video = self._sets[number].videos[position]
            return self._any_cut(rng, video, track) if video.name != seen.video.name else None
        picked = self._pick_other(rng, seen.video)
        return self._any_cut(rng, *picked) if picked else None

    def _any_cut(self, rng: Generator, video: Video, track: int) -> Cutout:
        frames = list(video.tracks[track])
        return self._cut_search(video, track, frames[int(rng.integers(len(frames)))])

    def _composed(self, seen: _Seen, rng: Generator) -> Cutout:
        """The target amid objects and on a picture of other videos; as it is where there are none."""
        drawn = [self._other_cutout(rng, seen) for _ in range(int(rng.integers(self._config.others + 1)))]
        picked = self._pick_other(rng, seen.video)
        if picked is None:
            return seen.search
        others = [each for each in drawn if each is not None and each.has_mask]
        if rng.random() < AT_HOME:
            return accompany(seen.search, others, rng)
        return compose(seen.search, self._scenery(rng, picked[0]), others, rng)

    def _compressed(self, pixels: Pixels, rng: Generator) -> Pixels:
        if rng.random() >= self._config.compressed:
            return pixels
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(10, 60))]
        coded = cv2.imencode(".jpg", pixels, quality)[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)  # its channels stay in their order

    def _scenery(self, rng: Generator, video: Video) -> Pixels:
        """A random square of a random picture of a video, that fills a search crop."""
        picture = read_picture(video.frames[int(rng.integers(len(video.frames)))])
        height, width = picture.shape[:2]
        side = int(min(height, width) * rng.uniform(0.5, 1.0))
        y, x = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
        size = (self._config.search_crop, self._config.search_crop)
        return np.asarray(cv2.resize(picture[y : y + side, x : x + side], size), np.uint8)

    def _cut_search(self, video: Video, track: int, frame: int) -> Cutout:
        return self._cut(video, track, frame, self._config.search_crop, self._config.search_filled)

    @staticmethod
    def _cut(video: Video, track: int, frame: int, pixels: int, filled: int) -> Cutout:
        path = video.frames[frame]
        picture = read_picture(path)
        try:
            return cut(picture, video.tracks[track][frame], pixels, filled)
        except DatasetError as error:
            raise DatasetError(f"{path}: {error}") from error

    def _prior(self, video: Video, track: int, frame: int, before: int) -> Pixels:
        """Levels (C, C) of the mask of the frame before, in the window of the search crop."""
        mask, side = video.tracks[track][before].mask, self._config.search_crop
        if mask is None:
            return np.zeros((side, side), np.uint8)
        return levels_around(mask.levels(), video.tracks[track][frame].box, side, self._config.search_filled)


def _kinds(sets: Sequence[VideoSet]) -> dict[str, list[tuple[int, int, int]]]:
    """For each kind of object all that are known: number of the set, position of the video, and track."""
    found: dict[str, list[tuple[int, int, int]]] = {}
    for number, each in enumerate(sets):
        for position, video in enumerate(each.videos if each.has_kinds else ()):
            for track, kind in video.kinds.items():
                found.setdefault(kind, []).append((number, position, track))
    return found
