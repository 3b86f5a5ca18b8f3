"""The step as a CUDA graph: one copy in, one launch, one copy out.

A graph has fixed shapes, so there is one for each bucket of target counts; a frame's targets fill up the
smallest bucket that holds them, and the rest of it repeats the last target.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Crop, Frame, HostArray
from s2iammask_core.tracking.answer import Answer, unpacked
from s2iammask_core.tracking.arrays import joined
from s2iammask_core.tracking.eager import EagerRunner, packed_aims
from s2iammask_core.tracking.network import MaskSource, Network
from s2iammask_core.tracking.runner import Search
from s2iammask_core.tracking.settings import StepSettings
from s2iammask_core.tracking.step import packed, patches_in, step

BUCKETS = (1, 2, 4, 8, 16)
MOST_SITUATIONS = 4  # whose steps are kept: frames of three sizes, and several frames at once
WARM_UP = 3  # runs before a capture: libraries choose their kernels and cached tensors are made

Work: TypeAlias = Callable[[], Tensor]
Capture: TypeAlias = Callable[[Work], Work]


def bucket_of(count: int) -> int:
    """The smallest bucket for this many targets; more than the largest have one of their own."""
    return next((size for size in BUCKETS if size >= count), count)


def capture_cuda(work: Work) -> Work:
    """Records the work's kernels on the current device; the result replays them and returns the one tensor
    that they write.

    Other threads may use the device meanwhile, as a detector in the same process does.
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        answer = work()

    def replay() -> Tensor:
        graph.replay()
        return answer

    return replay


@dataclass(frozen=True, slots=True)
class Situation:
    """What a captured step depends on besides the number of targets."""

    settings: StepSettings
    frame_shape: tuple[int, ...]  # of the frame that the patches are cut from; () for patches of several
    kernel_shape: tuple[int, ...]  # of one target


@dataclass(frozen=True, slots=True)
class CapturedStep:
    """A step with the tensors that it reads, which keep their place in memory, and where its answer goes."""

    replay: Work
    source: Tensor  # the frame (H, W, 3), or patches (bucket, 3, P, P), on the device
    kernels: Tensor  # (bucket, ...) on the device
    aim: Tensor  # (bucket, aim.COLUMNS) on the device
    answer: Tensor  # (bucket, bytes) uint8 on the host


class Captures:
    """The captured steps of one situation, one for each bucket."""

    def __init__(self, situation: Situation, network: Network, capture: Capture) -> None:
        self._situation, self._network, self._capture = situation, network, capture
        self._eager = EagerRunner(network)
        self._steps: dict[int, CapturedStep] = {}  # by bucket
        self._loaded: tuple[int, tuple[Tensor, ...]] = (0, ())  # the bucket and the kernels that it holds now
        shape = situation.frame_shape or (0,)
        self._host_frame = self._on_host(shape)
        self._frame = torch.empty(shape, dtype=torch.uint8, device=network.device)

    def run(self, searches: Sequence[Search]) -> NDArray[np.uint8]:
        """Packed answers (N, bytes); the next call overwrites them."""
        kernels: tuple[Tensor, ...] = tuple(search.kernels for search in searches)
        count = sum(map(len, kernels))
        bucket = bucket_of(count)
        source = self._source(searches, bucket)
        aim = filled_up(torch.from_numpy(packed_aims(searches)), bucket)
        if bucket not in self._steps:
            self._steps[bucket] = self._captured(source, filled_up(joined(kernels), bucket), aim)
        captured = self._steps[bucket]
        self._load(bucket, kernels)
        if source is not captured.source:
            captured.source.copy_(source)
        captured.aim.copy_(self._pinned(aim), non_blocking=True)
        captured.answer.copy_(captured.replay(), non_blocking=True)
        self._wait()
        return captured.answer[:count].numpy()

    def _source(self, searches: Sequence[Search], bucket: int) -> Tensor:
        """What a step begins with: the only frame (H, W, 3), or patches (bucket, 3, P, P)."""
        if not self._situation.frame_shape:
            return filled_up(self._eager.patches(searches), bucket)
        frame = searches[0].frame
        if isinstance(frame, np.ndarray):
            np.copyto(self._host_frame.numpy(), frame)
            frame = self._host_frame
        return self._frame.copy_(frame, non_blocking=True)

    def _captured(self, source: Tensor, kernels: Tensor, aim: Tensor) -> CapturedStep:
        """A step for a bucket; the capture already sees true inputs."""
        settings, in_frame = self._situation.settings, self._situation.frame_shape
        fixed_kernels, fixed_aim = kernels.clone(), aim.to(self._network.device, copy=True)

        def work() -> Tensor:
            patches = patches_in(source, settings, fixed_aim) if in_frame else source
            return packed(step(self._network, settings, patches, fixed_kernels, fixed_aim))

        with torch.cuda.device_of(source):  # a stream records what runs on its own device alone
            replay = self._capture(work)
        return CapturedStep(replay, source, fixed_kernels, fixed_aim, self._on_host(replay().shape))

    def _load(self, bucket: int, kernels: tuple[Tensor, ...]) -> None:
        """Copies the kernels if they are not there yet; changed targets come as another tensor."""
        held_in, held = self._loaded
        same = held_in == bucket and len(held) == len(kernels)
        if not same or any(one is not other for one, other in zip(held, kernels, strict=True)):
            self._steps[bucket].kernels.copy_(filled_up(joined(kernels), bucket))
            self._loaded = (bucket, kernels)

    def _on_host(self, shape: tuple[int, ...]) -> Tensor:
        return torch.empty(shape, dtype=torch.uint8, pin_memory=self._network.device.type == "cuda")

    def _pinned(self, values: Tensor) -> Tensor:
        return values.pin_memory() if self._network.device.type == "cuda" else values

    def _wait(self) -> None:
        if self._network.device.type == "cuda":
            torch.cuda.current_stream(self._network.device).synchronize()


class GraphRunner:
    """Runs captured steps; captures anew when the settings, a frame's size or the kernels' shape are new.

    The windows of one frame are cut by the captured step itself. Those of several frames are cut before it,
    frame by frame, and one step that begins with patches serves frames of all sizes. On the CPU, where
    `capture` can only be a stand-in, it computes the same, step by step.
    """

    def __init__(self, network: Network, capture: Capture = capture_cuda) -> None:
        self._network = network
        self._capture = capture
        self._eager = EagerRunner(network)
        self._known: dict[Situation, Captures] = {}  # the least recently used first

    @property
    def device(self) -> str:
        return self._eager.device

    @property
    def mask_source(self) -> MaskSource:
        return self._eager.mask_source

    @property
    def memory_values(self) -> int:
        return self._eager.memory_values

    def templates(
        self, frame: Frame, crop: Crop[HostArray], border: HostArray, masks: NDArray[np.float32]
    ) -> Tensor:
        return self._eager.templates(frame, crop, border, masks)

    @torch.inference_mode()
    def run(self, config: TrackerConfig, searches: Sequence[Search]) -> list[Answer]:
        frame_shape = tuple(searches[0].frame.shape) if len(searches) == 1 else ()
        situation = Situation(StepSettings.of(config), frame_shape, tuple(searches[0].kernels.shape[1:]))
        return unpacked(self._captures(situation).run(searches))

    def _captures(self, situation: Situation) -> Captures:
        """Those of a situation; of the others, only a few with the same settings are kept."""
        found = self._known.pop(situation, None) or Captures(situation, self._network, self._capture)
        others = [each for each in self._known.items() if each[0].settings == situation.settings]
        self._known = {**dict(others[1 - MOST_SITUATIONS :]), situation: found}
        return found


def filled_up(rows: Tensor, count: int) -> Tensor:
    """(count, ...): the rows, and the last of them again as often as are missing."""
    missing = count - len(rows)
    return torch.cat([rows, rows[-1:].expand(missing, *rows.shape[1:])]) if missing else rows
