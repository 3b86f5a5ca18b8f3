"""The whole step compiled, as on a GPU; the compiler is a stand-in that runs what it was given."""

import pytest
import torch

from s2iammask_core import TrackerConfig
from s2iammask_core.geometry import PRIOR_CELLS
from s2iammask_core.runtime import compiled
from s2iammask_core.runtime.captured import ROW, step_work
from s2iammask_core.runtime.compiled import CompiledWork, compiled_work
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.runtime.torch_tracker import runner_named
from s2iammask_core.tracking.settings import LIVE, StepSettings

CONFIG = TrackerConfig(template_pixels=95, search_pixels=127, mask_regions=0)
AIM = (60.0, 70.0, 100, 40, 30, 40, 55, 80, 85, 90, 100, 110, 0.4, 0.3)
MADE_ON_THE_HOST = {"tensor", "eye", "hann_window", "empty", "zeros", "ones", "full"}


@pytest.fixture(scope="module")
def network(random_network):
    return PreparedNetwork(random_network("s2iammask"), torch.device("cpu"), torch.float32)


def inputs(network, count):
    generator = torch.Generator().manual_seed(count)
    templates = torch.rand(count, 3, CONFIG.template_pixels, CONFIG.template_pixels, generator=generator)
    pixels = torch.randint(0, 255, (120 * 160, 3), generator=generator, dtype=torch.uint8)
    frames = torch.tensor([[0, 120, 160]] * count, dtype=torch.int32).view(torch.float32)
    priors = torch.zeros(count, PRIOR_CELLS**2)
    windows = torch.cat([torch.tensor([AIM] * count), priors, frames], dim=1)
    assert windows.shape == (count, ROW)
    kernels = network.template(templates * 255, templates[:, 0])
    return pixels, kernels, windows, torch.tensor([getattr(CONFIG, name) for name in LIVE])


@pytest.fixture
def graphs(monkeypatch):
    """The graphs that are compiled."""
    found = []

    def backend(module, _):
        found.append(module.graph)
        return module.forward

    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda call, **options: compile_(call, backend=backend, **options))
    torch._dynamo.reset()
    yield found
    torch._dynamo.reset()


@pytest.mark.slow
@torch.inference_mode()
def test_the_whole_step_is_one_graph_for_one_window_and_one_for_any_other_number(network, graphs):
    settings = StepSettings.of(CONFIG)
    work, plain = compiled_work(network, settings), step_work(network, settings)

    for count in (1, 2, 4, 3):
        given = inputs(network, count)
        assert torch.equal(work(*given), plain(*given))

    assert len(graphs) == 2


@torch.inference_mode()
def test_nothing_in_a_compiled_step_is_made_on_the_host(network, graphs):
    compiled_work(network, StepSettings.of(CONFIG))(*inputs(network, 2))

    (graph,) = graphs
    names = {getattr(node.target, "__name__", str(node.target)) for node in graph.nodes}
    assert "bmm" in names
    assert not names & MADE_ON_THE_HOST


def test_what_cannot_be_compiled_runs_as_it_is_and_that_is_said_once(caplog):
    tried = []

    def fails(*given):
        tried.append(given)
        raise RuntimeError("Cannot find a working triton installation\nmore about it")

    work = CompiledWork(fails, lambda *given: torch.tensor(len(given)))

    assert [int(work(*[torch.zeros(1)] * 4)) for _ in range(3)] == [4, 4, 4]
    assert len(tried) == 1
    messages = [record.message for record in caplog.records]
    assert messages == ["the step runs uncompiled: RuntimeError: Cannot find a working triton installation"]


def test_too_little_memory_is_no_fault_of_the_compiler():
    def full(*given):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.cuda.OutOfMemoryError):
        CompiledWork(full, lambda *given: torch.zeros(1))(*[torch.zeros(1)] * 4)


def test_on_a_gpu_the_compiled_step_is_captured(monkeypatch):
    made = {}

    class Runner:
        def __init__(self, network, **options):
            made.update(options)

    class OnGpu:
        device = torch.device("cuda:0")

    monkeypatch.setattr("s2iammask_core.runtime.torch_tracker.GraphRunner", Runner)

    assert isinstance(runner_named("compiled", OnGpu()), Runner)
    assert made == {"make_work": compiled.compiled_work}
