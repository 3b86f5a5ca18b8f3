"""The step as a CUDA graph: one copy in, one launch, one copy out.

A graph has fixed shapes, so there is one for each bucket of target counts; a frame's targets fill up the
smallest bucket that holds them, and the rest of it repeats the last target.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Crop, Frame
from s2iammask_core.tracking.aim import Aim
from s2iammask_core.tracking.network import Network
from s2iammask_core.tracking.step import EagerRunner, step_in_frame

BUCKETS = (1, 2, 4, 8, 16)
WARM_UP = 3  # runs before a capture: libraries choose their kernels and cached tensors are made

Work: TypeAlias = Callable[[], Tensor]
Capture: TypeAlias = Callable[[Work], Work]


def bucket_of(count: int) -> int:
    """The smallest bucket for this many targets; more than the largest have one of their own."""
    return next((size for size in BUCKETS if size >= count), count)


def capture_cuda(work: Work) -> Work:
    """Records the work's kernels; the result replays them and returns the one tensor that they write."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        answer = work()

    def replay() -> Tensor:
        graph.replay()
        return answer

    return replay


@dataclass(frozen=True, slots=True)
class Situation:
    """What a captured step depends on besides the number of targets."""

    config: TrackerConfig
    frame_shape: tuple[int, ...]
    kernel_shape: tuple[int, ...]  # of one target


@dataclass(frozen=True, slots=True)
class CapturedStep:
    """A step with the tensors that it reads, which keep their place in memory, and where its answer goes."""

    replay: Work
    kernels: Tensor  # (bucket, ...) on the device
    aim: Tensor  # (bucket, 13) on the device
    answer: Tensor  # (bucket, bytes) uint8 on the host


class GraphRunner:
    """Runs captured steps; captures anew when the settings, the frame's size or the kernels' shape change.

    On the CPU, where `capture` can only be a stand-in, it computes the same, step by step.
    """

    def __init__(self, network: Network, capture: Capture = capture_cuda) -> None:
        self._network = network
        self._capture = capture
        self._eager = EagerRunner(network)
        self._situation: Situation | None = None
        self._steps: dict[int, CapturedStep] = {}  # by bucket
        self._host_frame = torch.empty(0, dtype=torch.uint8)
        self._frame = torch.empty(0, dtype=torch.uint8)
        self._loaded: tuple[int, Tensor] | None = None  # the bucket and the kernels that it holds now

    def templates(self, frame: Frame, crop: Crop, border: Tensor) -> Tensor:
        return self._eager.templates(frame, crop, border)

    @torch.inference_mode()
    def run(self, config: TrackerConfig, frame: Frame, kernels: Tensor, aim: Aim) -> NDArray[np.uint8]:
        """Packed answers (N, bytes); the next call overwrites them."""
        self._prepare(Situation(config, tuple(frame.shape), tuple(kernels.shape[1:])))
        self._upload(frame)
        count = len(kernels)
        bucket = bucket_of(count)
        if bucket not in self._steps:
            self._steps[bucket] = self._captured(config, bucket, kernels, aim)
        step = self._steps[bucket]
        self._load(bucket, step, kernels)
        step.aim.copy_(self._pinned(filled_up(aim.packed(), bucket)), non_blocking=True)
        step.answer.copy_(step.replay(), non_blocking=True)
        self._wait()
        return step.answer[:count].numpy()

    def _prepare(self, situation: Situation) -> None:
        if situation == self._situation:
            return
        self._steps, self._loaded = {}, None
        if self._frame.shape != situation.frame_shape:
            self._host_frame = self._on_host(situation.frame_shape)
            self._frame = torch.empty(situation.frame_shape, dtype=torch.uint8, device=self._network.device)
        self._situation = situation

    def _upload(self, frame: Frame) -> None:
        if isinstance(frame, np.ndarray):
            np.copyto(self._host_frame.numpy(), frame)
            frame = self._host_frame
        self._frame.copy_(frame, non_blocking=True)

    def _captured(self, config: TrackerConfig, bucket: int, kernels: Tensor, aim: Aim) -> CapturedStep:
        """A step for a bucket; the capture already sees true inputs."""
        fixed_kernels = filled_up(kernels, bucket).clone()
        fixed_aim = filled_up(aim.packed(), bucket).to(self._network.device, copy=True)
        self._loaded = (bucket, kernels)
        replay = self._capture(
            lambda: step_in_frame(self._network, config, self._frame, fixed_kernels, fixed_aim)
        )
        return CapturedStep(replay, fixed_kernels, fixed_aim, self._on_host(replay().shape))

    def _load(self, bucket: int, step: CapturedStep, kernels: Tensor) -> None:
        """Copies the kernels if they are not there yet; changed targets come as another tensor."""
        if self._loaded is None or self._loaded[0] != bucket or self._loaded[1] is not kernels:
            step.kernels.copy_(filled_up(kernels, bucket))
            self._loaded = (bucket, kernels)

    def _on_host(self, shape: tuple[int, ...]) -> Tensor:
        return torch.empty(shape, dtype=torch.uint8, pin_memory=self._network.device.type == "cuda")

    def _pinned(self, values: Tensor) -> Tensor:
        return values.pin_memory() if self._network.device.type == "cuda" else values

    def _wait(self) -> None:
        if self._network.device.type == "cuda":
            torch.cuda.current_stream(self._network.device).synchronize()


def filled_up(rows: Tensor, count: int) -> Tensor:
    """(count, ...): the rows, and the last of them again as often as are missing."""
    missing = count - len(rows)
    return torch.cat([rows, rows[-1:].expand(missing, *rows.shape[1:])]) if missing else rows
