"""The step as a CUDA graph: a copy of the pixels and one of all else in, one launch, one copy out.

A graph has fixed shapes, so there is one for each bucket of window counts; a frame's windows fill up the
smallest bucket that holds them, and more than the largest are several steps. Frames of any size and live
settings are inputs.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Crop, Frame, HostArray
from s2iammask_core.runtime.capture import Capture, CudaCapture, Fault, fault_of
from s2iammask_core.runtime.captured import Batch, CapturedStep, StepWork, step_work
from s2iammask_core.tracking.answer import Answer, unpacked
from s2iammask_core.tracking.arrays import joined
from s2iammask_core.tracking.eager import EagerRunner
from s2iammask_core.tracking.frame_store import FrameStore
from s2iammask_core.tracking.network import Network, WithNetwork
from s2iammask_core.tracking.runner import Search
from s2iammask_core.tracking.settings import FIXED, StepSettings

BUCKETS = (1, 2, 4, 8, 16)
MOST_STEPS = 16  # that are kept: all buckets of three trackers whose settings make other shapes

logger = logging.getLogger(__name__)


def bucket_of(count: int) -> int:
    """The smallest bucket for this many windows, which the largest holds."""
    return next(size for size in BUCKETS if size >= count)


def fixed_settings(config: TrackerConfig) -> tuple[float, ...]:
    """Those that make the shapes of a step, in the order of FIXED."""
    return tuple(getattr(config, name) for name in FIXED)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a captured step depends on."""

    fixed: tuple[float, ...]  # settings
    kernel_shape: tuple[int, ...]  # of one target
    bucket: int


class GraphRunner(WithNetwork):
    """Runs captured steps, each captured when it is first needed.

    Where memory is too small for a capture, the others are given up for it; if that does not help, smaller
    steps have to do. After any other failure it runs operation by operation. On the CPU, where `capture` can
    only be a stand-in, it computes the same.
    """

    def __init__(
        self,
        network: Network,
        capture: Capture | None = None,
        make_work: Callable[[Network, StepSettings], StepWork] = step_work,
    ) -> None:
        super().__init__(network)
        self._make_work = make_work
        self._capture = capture or CudaCapture(network.device)
        self._store = FrameStore(network.device)
        self._eager = EagerRunner(network, self._store)
        self._known: dict[Situation, CapturedStep] = {}  # the least recently used first
        self._works: dict[tuple[float, ...], StepWork] = {}  # by fixed settings
        self._pixels = self._store.pixels  # which the known steps read
        self._largest = BUCKETS[-1]  # windows of a captured step; 0 where none can be captured
        self._failed: CapturedStep | None = None
        self._made_room = False  # for a capture, once: captures must not push each other out by turns

    def sizes(self, most: int) -> tuple[int, ...]:
        return BUCKETS[: BUCKETS.index(bucket_of(min(most, BUCKETS[-1]))) + 1]

    def templates(
        self, frame: Frame, crop: Crop[HostArray], border: HostArray, masks: NDArray[np.float32]
    ) -> Tensor:
        return self._eager.templates(frame, crop, border, masks)

    def first_masks(
        self,
        frame: Frame,
        crop: Crop[HostArray],
        border: HostArray,
        boxes: NDArray[np.float32],
        *,
        mirrored: bool,
    ) -> NDArray[np.float32]:
        return self._eager.first_masks(frame, crop, border, boxes, mirrored=mirrored)

    @torch.inference_mode()
    def run(self, config: TrackerConfig, searches: Sequence[Search]) -> list[Answer]:
        while self._largest:
            found = self._replayed(config, searches)
            if found is not None:
                return unpacked(found)
        return self._eager.run(config, searches)

    def _replayed(self, config: TrackerConfig, searches: Sequence[Search]) -> NDArray[np.uint8] | None:
        """Packed answers (N, bytes); None if a capture failed, and it is to be tried in smaller steps."""
        views = [(search.frame, search.aim.crop) for search in searches]
        self._store.reserve(views)
        if self._store.pixels is not self._pixels:  # larger frames: known steps read where smaller ones were
            self._known.clear()
            self._pixels = self._store.pixels
        parts = Batch.of(searches, self._store.load(views)).parts(self._largest)
        answers = []
        for part in parts:
            step = self._loaded(config, part)
            if step is None:
                return None
            found = step.answers(len(part.frames))
            answers.append(found if len(parts) == 1 else found.copy())
        return joined(answers)

    def _loaded(self, config: TrackerConfig, batch: Batch) -> CapturedStep | None:
        """A captured step with everything in place; None if it cannot be captured."""
        shape = tuple(batch.kernels[0].shape[1:])
        situation = Situation(fixed_settings(config), shape, bucket_of(len(batch.frames)))
        known = self._known.pop(situation, None)
        step = known or CapturedStep(self._work(config), self._pixels, batch.kernels[0], situation.bucket)
        step.load(config, batch)
        if known is None and (fault := self._captured(step)):
            self._failed = (
                step  # kept: after some errors PyTorch ends the process when pinned memory is freed
            )
            self._retreat(fault, situation.bucket)
            return None
        self._known = {**dict([*self._known.items()][1 - MOST_STEPS :]), situation: step}
        return step

    def _work(self, config: TrackerConfig) -> StepWork:
        """One for all buckets: where it is compiled, that takes long."""
        fixed, settings = fixed_settings(config), StepSettings.of(config)
        if fixed not in self._works:
            self._works[fixed] = self._make_work(self._network, settings)
        return self._works[fixed]

    def _captured(self, step: CapturedStep) -> Fault | None:
        fault = fault_of(lambda: step.capture(self._capture))
        if fault and fault.wants_memory and not self._made_room:
            self._made_room = True
            self._give_up_captures()
            return fault_of(lambda: step.capture(self._capture))
        return fault

    def _retreat(self, fault: Fault, bucket: int) -> None:
        """Gives up steps of this size if memory does not hold them, else all."""
        self._largest = bucket // 2 if fault.wants_memory else 0
        done = f"steps have up to {self._largest} windows" if self._largest else "steps run uncaptured"
        logger.warning("no CUDA graph could be made for %d windows (%s); %s now", bucket, fault.text, done)
        if fault.wants_memory:
            self._give_up_captures()

    def _give_up_captures(self) -> None:
        self._known.clear()
        torch.cuda.empty_cache()
