"""Rows of a benchmark: what a step costs for a number of targets. PyTorch is loaded only where it runs."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from s2iammask_core import scene
from s2iammask_core.bench.load import busy
from s2iammask_core.bench.timing import WARM_UP, Clock, Meter, ProcessMeter, Stage, Timing
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.geometry import HostFrame
from s2iammask_core.runtime.choice import PYTORCH
from s2iammask_core.runtime.exported import read_description
from s2iammask_core.runtime.loading import load_tracker
from s2iammask_core.runtime.machine import usable_cores
from s2iammask_core.runtime.openvino_engine import PATIENCE, settle
from s2iammask_core.runtime.versions import engine_of
from s2iammask_core.runtime.weights import forms_of
from s2iammask_core.tracking.tracker import Tracker


@dataclass(frozen=True, slots=True)
class Plan:
    """How is measured."""

    tracker: TrackerConfig
    runtime: RuntimeConfig
    height: int  # of the frame, pixels
    width: int
    frames: int  # measured ones
    stages: bool = True
    clock: Clock = time.perf_counter
    load: int = 0  # busy processes beside a second measurement; 0 for none


@dataclass(frozen=True, slots=True)
class Way:
    """How a network ran."""

    runtime: str  # with the version of what executed it
    precision: str
    threads: int


@dataclass(frozen=True, slots=True)
class Work:
    """The arithmetic of a network in one step."""

    flops: int
    ceiling_tflops: float  # of a large matrix product, same device and number format


@dataclass(frozen=True, slots=True)
class Subject:
    """A tracker to be timed."""

    name: str
    tracker: Tracker
    targets: int
    way: Way
    meter: Meter
    work: Work | None = None  # of PyTorch's networks


@dataclass(frozen=True, slots=True)
class Row:
    """What a step costs, from a uint8 frame in host memory to boxes and masks in host memory."""

    name: str
    device: str  # where it ran, as RuntimeConfig names it
    way: Way
    targets: int
    step_ms_p50: float
    step_ms_p99: float
    frames_per_s: float  # of the median step
    target_frames_per_s: float
    loaded_ms_p50: float | None  # beside busy processes
    loaded_ms_p99: float | None
    slow_down: float | None  # of the median, loaded over idle; these three are None without busy processes
    memory_mib: float  # peak: of what PyTorch took of the GPU in this row, or of the process so far
    tflops: float | None  # achieved by the median step; the network's arithmetic alone counts
    ceiling_tflops: float | None  # of a large matrix product, same device and number format
    share_of_ceiling: float | None  # these three are None where PyTorch does not run
    allocations_per_step: float  # requests for GPU memory in the steady state
    speed_up: float | None  # of a target's share of the step over the reference's step; None without one
    stages: tuple[Stage, ...]


def loaded_row(plan: Plan, weights: Path, targets: int) -> Row:
    """The step of a tracker as `load_tracker` makes it."""
    tracker = load_tracker(weights, config=all_tracked(plan.tracker, targets), runtime=plan.runtime)
    if tracker.runtime in PYTORCH:
        from s2iammask_core.bench.network import loaded_network_row

        return loaded_network_row(plan, weights, tracker, targets)
    folder = forms_of(weights).folder or weights
    way = Way(
        engine_of(tracker.runtime),
        exported_precision(folder, tracker, plan.runtime),
        plan.runtime.threads or usable_cores(),
    )
    name = read_description(folder).variant
    return row(plan, Subject(name, tracker, targets, way, ProcessMeter()))


def exported_precision(folder: Path, tracker: Tracker, runtime: RuntimeConfig) -> str:
    """The number format in which a tracker multiplies; that of the rest too, beside 8 bits."""
    exported = read_description(folder).precision
    if tracker.runtime != "openvino":
        return runtime.precision if runtime.precision != "auto" else exported
    from s2iammask_core.runtime.openvino_engine import format_named, place_named

    used = format_named(runtime.precision, place_named(tracker.device))
    return used if exported == "fp32" else f"{exported} and {used}"


def all_tracked(config: TrackerConfig, targets: int) -> TrackerConfig:
    """The settings without the search for lost targets, which random weights would cause all the time."""
    return replace(config, max_targets=max(targets, config.max_targets), redetect_patches=0)


def against(reference: Row, found: Row) -> Row:
    """The row, set against that of the reference."""
    return replace(found, speed_up=reference.step_ms_p50 * found.targets / found.step_ms_p50)


def row(plan: Plan, subject: Subject) -> Row:
    """The times of a tracker, alone and beside busy processes."""
    work = subject.work
    subject.meter.begin()
    frames = _begun(plan, subject)
    requests = subject.meter.allocations()
    timing = _timed(plan, subject, frames)
    requests = subject.meter.allocations() - requests
    loaded = _beside(plan, subject, frames)
    tflops = work.flops / timing.p50 / 1e9 if work else None
    return Row(
        name=subject.name,
        device=subject.tracker.device,
        way=subject.way,
        targets=subject.targets,
        step_ms_p50=timing.p50,
        step_ms_p99=timing.p99,
        frames_per_s=1e3 / timing.p50,
        target_frames_per_s=subject.targets * 1e3 / timing.p50,
        loaded_ms_p50=loaded.p50 if loaded else None,
        loaded_ms_p99=loaded.p99 if loaded else None,
        slow_down=loaded.p50 / timing.p50 if loaded else None,
        memory_mib=subject.meter.memory_mib(),
        tflops=tflops,
        ceiling_tflops=work.ceiling_tflops if work else None,
        share_of_ceiling=tflops / work.ceiling_tflops if work and tflops else None,
        allocations_per_step=requests / plan.frames,
        speed_up=None,
        stages=(),
    )


def _begun(plan: Plan, subject: Subject) -> list[HostFrame]:
    """The frames, with the targets started and warm. OpenVINO is given the time to see a habit in several
    targets, and to make what it has for that, which else would be beside the work that is measured.
    """
    size = (subject.targets, plan.height, plan.width)
    frames = [scene.frame(*size, step) for step in range(min(scene.PERIOD, plan.frames))]
    subject.tracker.start(frames[0], scene.boxes(*size, 0))
    sees_habits = subject.tracker.runtime == "openvino" and subject.targets > 1
    for step in range(WARM_UP + PATIENCE if sees_habits else WARM_UP):
        subject.tracker.track(frames[step % len(frames)])
    settle()
    return frames


def _timed(plan: Plan, subject: Subject, frames: list[HostFrame]) -> Timing:
    seconds = []
    for step in range(plan.frames):
        begin = plan.clock()
        subject.tracker.track(frames[step % len(frames)])
        seconds.append(plan.clock() - begin)
    return Timing.of(seconds)


def _beside(plan: Plan, subject: Subject, frames: list[HostFrame]) -> Timing | None:
    """The times beside busy processes, None without any."""
    if not plan.load:
        return None
    with busy(plan.load):
        return _timed(plan, subject, frames)
