"""Convolutions that add and rectify, with a stand-in for the function that only a GPU has."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from s2iammask_core.runtime import fused
from s2iammask_core.runtime.prepare import PreparedNetwork

CPU = torch.device("cpu")
NETWORKS = [
    ("s2iammask", {}),
    ("s2iammask", {"backbone": "resnet50"}),
    ("s2iammask", {"mask_head": "g1", "memory": False}),
    ("siammask_sharp", {}),
]


class Relus(TorchDispatchMode):
    """Counts the passes of a ReLU alone."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.count += operation.overloadpacket in (torch.ops.aten.relu, torch.ops.aten.relu_)
        return operation(*args, **(kwargs or {}))


@pytest.fixture
def calls(monkeypatch):
    """What the stand-in was asked for: whether something was added, each time."""
    seen = []

    def together(x, conv, added):
        found = F.conv2d(x, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)
        if added is not None:
            assert (added.shape, added.dtype) == (found.shape, found.dtype), "cuDNN adds nothing else"
            found = found + added
        seen.append(added is not None)
        return found.clamp(min=0)

    monkeypatch.setattr(fused, "convolved", together)
    return seen


@pytest.fixture
def network_of(random_network):
    def make(variant="s2iammask", dtype=torch.float32, **settings):
        return PreparedNetwork(random_network(variant, **settings), CPU, dtype)

    return make


@pytest.fixture
def answers(outputs, patches, rois):
    return lambda network: outputs(network, patches, rois)


@pytest.mark.parametrize(("variant", "settings"), NETWORKS)
def test_a_network_answers_the_same_and_no_relu_is_left_beside_a_convolution(
    network_of, answers, calls, variant, settings
):
    with Relus() as before:
        wanted = answers(network_of(variant, **settings))
    network = network_of(variant, **settings)

    fused.place_fused(network)
    with Relus() as after:
        found = answers(network)

    assert found.keys() == wanted.keys()
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-4, atol=1e-4)
    transposed = 1 if settings.get("mask_head") == "g1" else 0  # cuDNN's is for plain convolutions
    assert after.count == transposed
    assert len(calls) == before.count - transposed
    assert any(calls)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_what_is_added_has_the_format_of_the_convolution(network_of, answers, calls, dtype):
    network = network_of(dtype=dtype)

    fusion = fused.place_fused(network)
    answers(network)

    assert fusion.works
    assert any(calls)


@pytest.mark.parametrize(("variant", "settings"), [*NETWORKS, ("siammask_base", {}), ("siammask_box", {})])
def test_a_network_that_answers_as_before_stays_fused(network_of, calls, caplog, variant, settings):
    fusion = fused.fuse(network_of(variant, **settings))

    assert fusion.works
    assert calls
    assert caplog.text == ""


def test_where_it_cannot_be_the_network_runs_as_before_and_says_so_once(network_of, answers, caplog):
    wanted = answers(network_of())
    network = network_of()

    fusion = fused.fuse(network)  # this machine's PyTorch has no such kernel for a CPU
    found = answers(network)

    assert not fusion.works
    assert caplog.text.count("convolutions run apart from their additions and ReLUs") == 1
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("wrong", [lambda x: x + 1, lambda x: x * torch.nan])
def test_where_it_answers_otherwise_the_network_runs_as_before(
    network_of, answers, calls, monkeypatch, caplog, wrong
):
    wanted = answers(network_of())
    network, right = network_of(), fused.convolved
    monkeypatch.setattr(fused, "convolved", lambda *given: wrong(right(*given)))

    fusion = fused.fuse(network)
    found = answers(network)

    assert not fusion.works
    assert "together they answer otherwise" in caplog.text
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_what_fails_later_for_other_shapes_runs_apart_from_then_on(calls, monkeypatch, caplog):
    conv, patch = torch.nn.Conv2d(2, 3, 3), torch.rand(1, 2, 8, 8)
    fusion, together = fused.Fusion(), fused.convolved

    def of_one(x, *rest):
        if len(x) > 1:
            raise RuntimeError("unable to find an engine\nmore lines")
        return together(x, *rest)

    monkeypatch.setattr(fused, "convolved", of_one)
    one, both = (fusion(patch.repeat(count, 1, 1, 1), conv, None) for count in (1, 2))

    assert "RuntimeError: unable to find an engine\n" in caplog.text
    torch.testing.assert_close(both[:1], one)
    assert not fusion.works


def test_a_device_that_is_full_is_no_reason_to_give_up(monkeypatch):
    def full(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(fused, "convolved", full)
    fusion = fused.Fusion()

    with pytest.raises(torch.cuda.OutOfMemoryError):
        fusion(torch.rand(1, 2, 8, 8), torch.nn.Conv2d(2, 3, 3), None)
    assert fusion.works


@pytest.mark.parametrize(
    ("device", "dtype", "runtime", "wanted"),
    [
        ("cuda:0", torch.float16, "graph", True),
        ("cuda:0", torch.bfloat16, "eager", True),
        ("cuda:0", torch.float16, "compiled", False),
        ("cuda:0", torch.float32, "graph", False),
        ("cpu", torch.bfloat16, "eager", False),
    ],
)
def test_half_formats_on_a_gpu_are_worth_it(device, dtype, runtime, wanted):
    network = SimpleNamespace(device=torch.device(device), dtype=dtype)

    assert fused.wants_fusion(network, runtime) is wanted
