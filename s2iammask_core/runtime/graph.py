"""The step as a CUDA graph: a copy of the pixels and one of all else in, one launch, one copy out.

A graph has fixed shapes, so there is one for each bucket of window counts; a frame's windows fill up the
smallest bucket that holds them. Frames of any size and live settings are inputs of it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Crop, Frame, HostArray
from s2iammask_core.runtime.capture import Capture, CudaCapture, Fault, fault_of
from s2iammask_core.runtime.captured import CapturedStep, StepWork, step_work
from s2iammask_core.tracking.answer import Answer, unpacked
from s2iammask_core.tracking.eager import EagerRunner
from s2iammask_core.tracking.frame_store import FrameStore
from s2iammask_core.tracking.network import MaskSource, Network
from s2iammask_core.tracking.runner import Search
from s2iammask_core.tracking.settings import FIXED, StepSettings

BUCKETS = (1, 2, 4, 8, 16)
MOST_STEPS = 16  # that are kept: all buckets of two trackers whose settings make other shapes

logger = logging.getLogger(__name__)


def bucket_of(count: int) -> int:
    """The smallest bucket for this many windows: a power of two up to 16, then a multiple of 16."""
    largest = BUCKETS[-1]
    return next((size for size in BUCKETS if size >= count), -(-count // largest) * largest)


def buckets_up_to(count: int) -> tuple[int, ...]:
    """All buckets that so many windows or fewer go into."""
    return tuple(sorted({bucket_of(each) for each in range(1, count + 1)}))


@dataclass(frozen=True, slots=True)
class Situation:
    """What a captured step depends on."""

    fixed: tuple[float, ...]  # settings that make its shapes, by FIXED
    kernel_shape: tuple[int, ...]  # of one target
    bucket: int


class GraphRunner:
    """Runs captured steps, each captured when it is first needed.

    Once a capture has failed it runs operation by operation; the first time that memory is too small, the
    other captures are given up for it instead. On the CPU, where `capture` can only be a stand-in, it
    computes the same.
    """

    def __init__(
        self,
        network: Network,
        capture: Capture | None = None,
        make_work: Callable[[Network, StepSettings], StepWork] = step_work,
    ) -> None:
        self._network, self._make_work = network, make_work
        self._capture = capture or CudaCapture(network.device)
        self._store = FrameStore(network.device)
        self._eager = EagerRunner(network, self._store)
        self._known: dict[Situation, CapturedStep] = {}  # the least recently used first
        self._pixels = self._store.pixels  # which the known steps read
        self._captures, self._made_room = True, False

    @property
    def device(self) -> str:
        return self._eager.device

    @property
    def mask_source(self) -> MaskSource:
        return self._eager.mask_source

    def sizes(self, most: int) -> tuple[int, ...]:
        return buckets_up_to(most)

    def templates(self, frame: Frame, crop: Crop[HostArray], border: HostArray) -> Tensor:
        return self._eager.templates(frame, crop, border)

    @torch.inference_mode()
    def run(self, config: TrackerConfig, searches: Sequence[Search]) -> list[Answer]:
        count = sum(len(search.kernels) for search in searches)
        step = self._ready(config, searches, count) if self._captures else None
        if step is None:
            return self._eager.run(config, searches)
        return unpacked(step.answers(count))

    def _ready(self, config: TrackerConfig, searches: Sequence[Search], count: int) -> CapturedStep | None:
        """A captured step that holds these searches; None if it cannot be captured."""
        views = [(search.frame, search.aim.crop) for search in searches]
        self._store.reserve(views)
        if self._store.pixels is not self._pixels:  # larger frames: known steps read where smaller ones were
            self._known.clear()
            self._pixels = self._store.pixels
        fixed = tuple(getattr(config, name) for name in FIXED)
        kernels: Tensor = searches[0].kernels
        situation = Situation(fixed, tuple(kernels.shape[1:]), bucket_of(count))
        step = self._known.get(situation) or self._new_step(config, kernels, situation.bucket)
        step.load(config, searches, self._store.load(views))
        if not (situation in self._known or self._captured(step)):
            return None
        self._keep(situation, step)
        return step

    def _new_step(self, config: TrackerConfig, kernels: Tensor, bucket: int) -> CapturedStep:
        work = self._make_work(self._network, StepSettings.of(config))
        return CapturedStep(work, self._pixels, kernels, bucket)

    def _captured(self, step: CapturedStep) -> bool:
        fault = fault_of(lambda: step.capture(self._capture))
        if fault and fault.wants_memory and not self._made_room:
            self._give_up_captures()
            self._made_room = True
            fault = fault_of(lambda: step.capture(self._capture))
        if fault:
            self._stay_eager(fault)
        return fault is None

    def _stay_eager(self, fault: Fault) -> None:
        logger.warning("no CUDA graph could be made (%s); steps run one operation at a time now", fault.text)
        self._captures = False
        self._give_up_captures()

    def _give_up_captures(self) -> None:
        self._known.clear()
        torch.cuda.empty_cache()

    def _keep(self, situation: Situation, step: CapturedStep) -> None:
        """As the most recently used; the least recently used goes where there are too many."""
        self._known.pop(situation, None)
        self._known = {**dict([*self._known.items()][1 - MOST_STEPS :]), situation: step}
