import pytest
import torch

from s2iammask_core.geometry import PRIOR_CELLS
from s2iammask_core.runtime import compiled
from s2iammask_core.runtime.compiled import CompiledNetwork, has_compiler
from s2iammask_core.runtime.prepare import PreparedNetwork

CPU = torch.device("cpu")


@pytest.fixture
def prepared(random_network):
    return PreparedNetwork(random_network(), CPU, torch.float32)


def assert_same(found, wanted):
    """Relative to all of an output: single logits near zero are sums of large ones."""
    differences = {name: float((found[name] - wanted[name]).norm() / wanted[name].norm()) for name in wanted}
    assert all(each < 1e-4 for each in differences.values()), differences


def test_without_a_compiler_the_network_runs_as_it_is(prepared, patches, rois, outputs, monkeypatch, caplog):
    monkeypatch.setattr(compiled, "COMPILERS", ())
    monkeypatch.delenv("CXX", raising=False)

    network = CompiledNetwork(prepared)

    assert "no C++ compiler" in caplog.text
    assert_same(outputs(network, patches, rois), outputs(prepared, patches, rois))


def test_a_compiler_may_be_named_by_the_environment(monkeypatch):
    monkeypatch.setattr(compiled, "COMPILERS", ())

    for name, found in (("sh", True), ("no-such-compiler", False), ("", False)):
        monkeypatch.setenv("CXX", name)
        assert has_compiler() is found


@pytest.mark.parametrize("memory", [False, True])
def test_on_a_cpu_targets_go_one_by_one_through_what_was_compiled(
    random_network, patches, rois, outputs, monkeypatch, memory
):
    prepared = PreparedNetwork(random_network("s2iammask", memory=memory), CPU, torch.float32)
    batches = []

    def watched(call, **_):
        def run(first, second, *more):
            batches.append(len(second))
            return call(first, second, *more)

        return run

    monkeypatch.setattr(torch, "compile", watched)
    monkeypatch.setattr(compiled, "has_compiler", lambda: True)

    found = outputs(CompiledNetwork(prepared), patches, rois)

    assert batches == [1] * 6  # three searches and three mask heads
    assert_same(found, outputs(prepared, patches, rois))


@torch.inference_mode()
def test_a_prior_that_is_part_of_an_aim_looks_as_any_other_to_what_was_compiled(
    prepared, patches, monkeypatch
):
    strides = set()

    def watched(call, **_):
        def run(*given):
            strides.add(given[-1].stride())
            return call(*given)

        return run

    monkeypatch.setattr(torch, "compile", watched)
    monkeypatch.setattr(compiled, "has_compiler", lambda: True)
    network, (templates, searches) = CompiledNetwork(prepared), (each[:1] for each in patches)
    aim = torch.zeros(1, 14 + PRIOR_CELLS**2)

    for prior in (aim[:, 14:], aim[:, 14:].clone()):
        kernels = network.template(templates, torch.zeros_like(templates[:, 0]))
        network.search(kernels, searches, prior.unflatten(1, (PRIOR_CELLS, PRIOR_CELLS)))

    assert len(strides) == 1
