"""The S2iamMask method: exact windows, and masks that vote."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Crop, Frame, HostArray
from s2iammask_core.tracking.answer import Answer
from s2iammask_core.tracking.first_frame import FirstFrame
from s2iammask_core.tracking.likeness import likenesses
from s2iammask_core.tracking.method import Scene
from s2iammask_core.tracking.network import MaskSource
from s2iammask_core.tracking.redetection import View, is_promising, views_of
from s2iammask_core.tracking.refinement import refined
from s2iammask_core.tracking.regions import NO_MASK, Window, mask_region, outline, windows_of
from s2iammask_core.tracking.runner import Kernels, Search, StepRunner
from s2iammask_core.tracking.search_budget import SearchBudget, affordable_views
from s2iammask_core.tracking.settings import SLACK
from s2iammask_core.tracking.shapes import remembered
from s2iammask_core.tracking.start import Start
from s2iammask_core.tracking.target import Sighting, Target, nothing_seen, placed
from s2iammask_core.tracking.track import TrackState
from s2iammask_core.tracking.windows import aim_at, borders, centers, first_sides, template_sides


@dataclass(frozen=True, slots=True)
class Find:
    """What might be a target."""

    row: int  # of the target
    sighting: Sighting


class S2iamMaskMethod:
    """Looks for all targets at once; a runner executes the step."""

    def __init__(self, runner: StepRunner) -> None:
        self._runner = runner
        self._budget = SearchBudget()

    @property
    def device(self) -> str:
        return self._runner.device

    @property
    def mask_source(self) -> MaskSource:
        return self._runner.mask_source

    def sizes(self, most: int) -> tuple[int, ...]:
        return self._runner.sizes(most)

    def place(self, start: Start, frame_size: tuple[int, int]) -> Box:
        """The box that a target begins with: the visible part, which is what a mask will show of it later."""
        return start.visible(frame_size)

    def begin(
        self, frame: Frame, targets: tuple[Target, ...], starts: Sequence[Start], config: TrackerConfig
    ) -> tuple[tuple[Target, ...], Kernels]:
        """The targets, with their masks in the first frame where the network remembers such."""
        blank = self.templates(frame, targets, config)
        if not targets or not self._runner.memory_values or not config.remember:
            return targets, blank
        return FirstFrame(frame, config, self).begin(targets, starts, blank)

    def templates(
        self, frame: Frame, targets: tuple[Target, ...], config: TrackerConfig, *, shaped: bool = False
    ) -> Kernels:
        """What is remembered (N, V) of the targets as the frame shows them; shaped: with their masks."""
        crop = Crop(centers(targets), template_sides(targets, config), config.template_pixels)
        size = (int(frame.shape[0]), int(frame.shape[1]))
        shapes = [target.shape if shaped else None for target in targets]
        return self._runner.templates(frame, crop, borders(targets), remembered(shapes, crop, size))

    @property
    def first_pixels(self) -> int:
        return self._runner.first_pixels

    def first_masks(
        self, frame: Frame, targets: tuple[Target, ...], config: TrackerConfig, *, mirrored: bool
    ) -> tuple[Crop[HostArray], NDArray[np.float32]]:
        """Windows around targets, and how far their pixels are objects in the targets' shapes: (N, P, P);
        mirrored: their mirror images are asked too.
        """
        crop = Crop(centers(targets), first_sides(targets, config), self._runner.first_pixels)
        size = (int(frame.shape[0]), int(frame.shape[1]))
        boxes = remembered([target.shape for target in targets], crop, size)
        masks = self._runner.first_masks(frame, crop, borders(targets), boxes, mirrored=mirrored)
        return crop, masks

    def answers(self, search: Search, config: TrackerConfig) -> list[Answer]:
        """What the network says in the windows of a search; the next search overwrites it."""
        return self._runner.run(config, [search])

    def look(self, scenes: Sequence[Scene], config: TrackerConfig) -> list[list[Sighting]]:
        """One sighting for each target; the windows of all scenes go through the network as one batch."""
        begin, views = time.perf_counter(), self._views(scenes, config)
        searches = [search_for(*pair, config) for pair in zip(scenes, views, strict=True) if pair[1]]
        windows = [window for search in searches for window in windows_of(search.aim.crop)]
        answers = iter(zip(self._runner.run(config, searches), windows, strict=True) if searches else ())
        seen = [
            self._seen(scene, looked, list(islice(answers, len(looked))), config)
            for scene, looked in zip(scenes, views, strict=True)
        ]
        if windows:
            self._budget.measure(time.perf_counter() - begin, len(windows))
        if not config.refine_every or not self._runner.first_pixels:
            return seen
        return [
            refined(FirstFrame(scene.frame, config, self), scene.targets, each)
            for scene, each in zip(scenes, seen, strict=True)
        ]

    def _views(self, scenes: Sequence[Scene], config: TrackerConfig) -> list[list[View]]:
        """Where to look in each scene; where time is limited, what it is enough for."""
        seconds = min(scene.search_time for scene in scenes)
        if math.isinf(seconds):
            return [views_of(scene.targets, config, scene.size, scene.hints) for scene in scenes]
        return affordable_views(scenes, config, seconds, self._budget)

    def _seen(
        self,
        scene: Scene,
        views: Sequence[View],
        answers: Sequence[tuple[Answer, Window]],
        config: TrackerConfig,
    ) -> list[Sighting]:
        """What one scene's answers, each with its window, say about its targets."""
        seen = [
            replace(self._sighting(answer, window, scene.size, config), hinted=view.hinted)
            for (answer, window), view in zip(answers, views, strict=True)
        ]
        owned = [
            [each for each, view in zip(seen, views, strict=True) if view.row == row]
            for row in range(len(scene.targets))
        ]
        finds = [
            Find(row, sighting)
            for row, each in enumerate(owned)
            for sighting in each
            if self._asks(scene.targets[row], sighting, config)
        ]
        alike = self._alike(finds, scene, config)
        return [
            _chosen(each, scene.targets[row], [pair for pair in alike if pair[0].row == row], config)
            for row, each in enumerate(owned)
        ]

    def _asks(self, target: Target, sighting: Sighting, config: TrackerConfig) -> bool:
        """Whether it matters how like the target this is: of what may be a lost one, and now and then of what
        is tracked, where pixels are remembered that can tell.
        """
        if target.health.state is TrackState.LOST:
            return is_promising(sighting, config)
        tells = bool(self._runner.memory_values) and config.remember
        seen = sighting.is_finite and sighting.outline is not None
        return tells and seen and target.likeness.is_due(config)

    def _alike(self, finds: Sequence[Find], scene: Scene, config: TrackerConfig) -> list[tuple[Find, float]]:
        """The finds, each with how much it is like its target; all templates are made as one batch."""
        if not finds:
            return []
        pairs = [(scene.targets[find.row], find.sighting) for find in finds]
        found = tuple(
            replace(placed(target, sighting.extent, scene.size), shape=sighting.mask)
            for target, sighting in pairs
        )
        kernels = self.templates(scene.frame, found, config, shaped=True)
        known = scene.kernels[[find.row for find in finds]]
        alike = likenesses(scene.frame, pairs, kernels, known, self._runner.memory_values)
        return list(zip(finds, alike, strict=True))

    def _sighting(
        self, answer: Answer, window: Window, size: tuple[int, int], config: TrackerConfig
    ) -> Sighting:
        x0, y0, side = window
        step = side / config.search_pixels
        x1, y1, x2, y2 = (value * step for value in answer.box)
        box = Box(x0 + x1, y0 + y1, x0 + x2, y0 + y2)
        mask, wide = NO_MASK, NO_MASK
        if answer.levels.size:
            how = (answer.voters, self._threshold(answer, config), (x0, y0, side), size)
            mask, wide = mask_region(answer.levels, *how), mask_region(answer.reach, *how)
        found, reached = outline(mask, config.min_mask_area), outline(wide, config.min_mask_area)
        reach = reached[0] if reached else None
        return Sighting(answer.score, answer.agreement, box, answer.rate, mask, found, reach)

    def _threshold(self, answer: Answer, config: TrackerConfig) -> float:
        """The level above which a pixel is object: half a vote below the smallest sufficient number."""
        if self.mask_source == "cell":
            return config.mask_threshold * answer.voters
        return max(math.ceil(config.vote_fraction * answer.voters - SLACK), 1) - 0.5


def _chosen(
    seen: list[Sighting], target: Target, alike: Sequence[tuple[Find, float]], config: TrackerConfig
) -> Sighting:
    """The only sighting of a target; of a lost one that which is sure and most like it."""
    if target.health.state is not TrackState.LOST:
        return replace(seen[0], similarity=alike[0][1]) if alike else seen[0]
    if not seen:
        return nothing_seen(target)
    if not alike:
        return replace(seen[0], searched=len(seen), accepted=False)
    find, likeness = max(alike, key=lambda pair: pair[1])
    accepted = likeness >= config.redetect_similarity
    return replace(find.sighting, searched=len(seen), accepted=accepted, similarity=likeness)


def search_for(scene: Scene, views: Sequence[View], config: TrackerConfig) -> Search:
    """The search through the views of a scene."""
    rows = [view.row for view in views]
    alone = rows == list(range(len(scene.targets)))  # the very kernels that a runner knows
    kernels = scene.kernels if alone else scene.kernels[rows]
    return Search(scene.frame, kernels, aim_at(tuple(view.target for view in views), config))
