"""Rows of a benchmark: what a step costs for a number of targets."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from s2iammask_core import scene
from s2iammask_core.bench.stages import Stage, StagedStep
from s2iammask_core.bench.timing import (
    WARM_UP,
    Clock,
    Timing,
    allocations,
    forget_peak,
    matrix_ceiling,
    memory_mib,
)
from s2iammask_core.bench.work import step_flops
from s2iammask_core.config import NetworkConfig, RuntimeConfig, TrackerConfig
from s2iammask_core.devices import device_named, format_named
from s2iammask_core.model import SiameseNetwork, build_network
from s2iammask_core.runtime.exported import read_description
from s2iammask_core.runtime.loading import load_tracker
from s2iammask_core.runtime.torch_tracker import make_tracker, prepare
from s2iammask_core.tracking.tracker import Tracker

STAGE_REPEATS = 10  # a stage is timed at most this often


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    network: SiameseNetwork | Path  # fp32, unfolded, on the CPU, measured on copies; or an exported folder
    tracker: TrackerConfig
    runtime: RuntimeConfig
    height: int  # of the frame, pixels
    width: int
    frames: int  # measured ones
    stages: bool = True
    clock: Clock = time.perf_counter


@dataclass(frozen=True, slots=True)
class Row:
    """What a step costs, from a uint8 frame in host memory to boxes and masks in host memory."""

    name: str
    device: str  # where it ran: cpu or cuda:N
    targets: int
    step_ms_p50: float
    step_ms_p99: float
    frames_per_s: float  # of the median step
    target_frames_per_s: float
    memory_mib: float  # peak: of what PyTorch took of the GPU in this row, or of the process so far
    tflops: float | None  # achieved by the median step; the network's arithmetic alone counts
    ceiling_tflops: float | None  # of a large matrix product, same device and number format
    share_of_ceiling: float | None  # these three are None for an exported folder
    allocations_per_step: float  # requests for GPU memory in the steady state
    speed_up: float | None  # of a target's share of the step over the reference's step; None without one
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """The arithmetic of a network in one step."""

    flops: int
    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class _Subject:
    """A tracker to be timed."""

    name: str
    tracker: Tracker
    targets: int
    device: torch.device
    work: _Work | None = None


def reference_row(plan: Plan) -> Row:
    """The original algorithm's step for one target: SiamMask-sharp as it is, eager, in fp32, cut on the host.

    Its own network is used, with random weights: their values do not change the time.
    """
    network = build_network(NetworkConfig("siammask_sharp"))
    device = device_named(plan.runtime.device)
    config = replace(_all_tracked(plan.tracker, 1), compat="siammask")
    work = _Work(step_flops(network.config, config, 1, 0), torch.float32)
    tracker = Tracker.of(network.to(device), config)
    with _true_fp32():
        return _row(plan, _Subject("reference", tracker, 1, device, work))


@contextmanager
def _true_fp32() -> Iterator[None]:
    """On a GPU products are of fp32, not TF32 as PyTorch's own choice is, and tuned."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = False, False, True
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before


def row(plan: Plan, targets: int, reference: Row | None = None) -> Row:
    """The step of the plan's network for a number of targets."""
    if isinstance(plan.network, Path):
        found = _exported_row(plan, plan.network, targets)
    else:
        found = _network_row(plan, plan.network, targets)
    if reference is not None:
        found = replace(found, speed_up=reference.step_ms_p50 * targets / found.step_ms_p50)
    return found


def _exported_row(plan: Plan, folder: Path, targets: int) -> Row:
    tracker = load_tracker(folder, config=_all_tracked(plan.tracker, targets), runtime=plan.runtime)
    name = read_description(folder).variant
    host = torch.device("cpu")  # wherever onnxruntime runs: PyTorch does not know what it takes of a GPU
    return _row(plan, _Subject(name, tracker, targets, host))


def _network_row(plan: Plan, network: SiameseNetwork, targets: int) -> Row:
    device = device_named(plan.runtime.device)
    config = _all_tracked(plan.tracker, targets)
    tracker = make_tracker(_copy(network), config, plan.runtime)
    flops = step_flops(network.config, config, targets, config.mask_regions or config.proposals)
    work = _Work(flops, format_named(plan.runtime.precision, device))
    found = _row(plan, _Subject(network.config.variant, tracker, targets, device, work))
    if not plan.stages:
        return found
    prepared = prepare(_copy(network), plan.runtime)
    frame = scene.frame(targets, plan.height, plan.width, 0)
    return replace(found, stages=_stages(plan, StagedStep(prepared, config, frame, tracker.targets)))


@torch.inference_mode()
def _stages(plan: Plan, staged: StagedStep) -> tuple[Stage, ...]:
    return staged.stages(min(plan.frames, STAGE_REPEATS), plan.clock)


def _all_tracked(config: TrackerConfig, targets: int) -> TrackerConfig:
    """The settings without the search for lost targets, which random weights would cause all the time."""
    return replace(config, max_targets=max(targets, config.max_targets), redetect_patches=0)


def _row(plan: Plan, subject: _Subject) -> Row:
    work = subject.work
    ceiling = matrix_ceiling(subject.device, work.dtype, plan.clock) if work else None
    forget_peak(subject.device)
    timing, requests = _run(plan, subject)
    tflops = work.flops / timing.p50 / 1e9 if work else None
    return Row(
        name=subject.name,
        device=subject.tracker.device,
        targets=subject.targets,
        step_ms_p50=timing.p50,
        step_ms_p99=timing.p99,
        frames_per_s=1e3 / timing.p50,
        target_frames_per_s=subject.targets * 1e3 / timing.p50,
        memory_mib=memory_mib(subject.device),
        tflops=tflops,
        ceiling_tflops=ceiling,
        share_of_ceiling=tflops / ceiling if tflops and ceiling else None,
        allocations_per_step=requests,
        speed_up=None,
        stages=(),
    )


def _run(plan: Plan, subject: _Subject) -> tuple[Timing, float]:
    """The times of the measured frames, and requests for device memory per frame."""
    tracker, size = subject.tracker, (subject.targets, plan.height, plan.width)
    frames = [scene.frame(*size, step) for step in range(min(scene.PERIOD, plan.frames))]
    tracker.start(frames[0], scene.boxes(*size, 0))
    for step in range(WARM_UP):
        tracker.track(frames[step % len(frames)])
    before, seconds = allocations(subject.device), []
    for step in range(plan.frames):
        begin = plan.clock()
        tracker.track(frames[step % len(frames)])
        seconds.append(plan.clock() - begin)
    return Timing.of(seconds), (allocations(subject.device) - before) / plan.frames


def _copy(network: SiameseNetwork) -> SiameseNetwork:
    copied = build_network(network.config)
    copied.load_state_dict(network.state_dict())
    return copied
