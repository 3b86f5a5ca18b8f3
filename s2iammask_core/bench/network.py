"""Rows of networks that PyTorch runs: with their arithmetic, the device's limit, and stages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from s2iammask_core import scene
from s2iammask_core.bench.device import matrix_ceiling, meter_of
from s2iammask_core.bench.measure import Plan, Row, Subject, Way, Work, all_tracked, row
from s2iammask_core.bench.stages import StagedStep
from s2iammask_core.bench.timing import Stage
from s2iammask_core.bench.work import step_flops
from s2iammask_core.config import NetworkConfig
from s2iammask_core.devices import device_named, format_named
from s2iammask_core.errors import ConfigError
from s2iammask_core.model import SiameseNetwork, build_network, checkpoint
from s2iammask_core.runtime.torch_tracker import make_tracker, prepare
from s2iammask_core.runtime.versions import engine_of
from s2iammask_core.runtime.weights import forms_of
from s2iammask_core.tracking.tracker import Tracker

STAGE_REPEATS = 10  # a stage is timed at most this often


def reference_row(plan: Plan) -> Row:
    """The original algorithm's step for one target: SiamMask-sharp as it is, eager, in fp32, cut on the host.

    Its own network is used, with random weights: their values do not change the time.
    """
    if plan.runtime.threads:
        torch.set_num_threads(plan.runtime.threads)
    network = build_network(NetworkConfig("siammask_sharp"))
    device = device_named(plan.runtime.device)
    config = replace(all_tracked(plan.tracker, 1), compat="siammask")
    tracker = Tracker.of(network.to(device), config)
    with _true_fp32():
        flops = step_flops(network.config, config, 1, 0)
        work = Work(flops, matrix_ceiling(device, torch.float32, plan.clock))
        way = Way(engine_of("eager"), "float32", torch.get_num_threads())
        return row(plan, Subject("reference", tracker, 1, way, meter_of(device), work))


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


def random_row(plan: Plan, variant: str, targets: int) -> Row:
    """The step of a network with random weights."""
    if plan.runtime.runtime not in ("auto", "graph", "eager", "compiled"):
        raise ConfigError(f"runtime {plan.runtime.runtime} runs what was exported; give --weights")
    torch.manual_seed(0)
    network = build_network(NetworkConfig(variant))
    tracker = make_tracker(_copy(network), all_tracked(plan.tracker, targets), plan.runtime)
    return _network_row(plan, network, tracker, targets)


def loaded_network_row(plan: Plan, weights: Path, tracker: Tracker, targets: int) -> Row:
    """The step of a tracker that was loaded from weights."""
    network, _ = checkpoint.load(forms_of(weights).file or weights)
    return _network_row(plan, network, tracker, targets)


def _network_row(plan: Plan, network: SiameseNetwork, tracker: Tracker, targets: int) -> Row:
    plan = replace(plan, runtime=replace(plan.runtime, runtime=tracker.runtime, device=tracker.device))
    device, config = torch.device(tracker.device), tracker.config
    dtype = format_named(plan.runtime.precision, device)
    flops = step_flops(network.config, config, targets, config.mask_regions or config.proposals)
    work = Work(flops, matrix_ceiling(device, dtype, plan.clock))
    way = Way(engine_of(tracker.runtime), str(dtype).removeprefix("torch."), torch.get_num_threads())
    found = row(plan, Subject(network.config.variant, tracker, targets, way, meter_of(device), work))
    if not plan.stages:
        return found
    prepared = prepare(_copy(network), plan.runtime)
    frame = scene.frame(targets, plan.height, plan.width, 0)
    return replace(found, stages=_stages(plan, StagedStep(prepared, config, frame, tracker.targets)))


@torch.inference_mode()
def _stages(plan: Plan, staged: StagedStep) -> tuple[Stage, ...]:
    return staged.stages(min(plan.frames, STAGE_REPEATS), plan.clock)


def _copy(network: SiameseNetwork) -> SiameseNetwork:
    copied = build_network(network.config)
    copied.load_state_dict(network.state_dict())
    return copied
