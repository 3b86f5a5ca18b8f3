"""What OpenVINO keeps compiled."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.runtime import openvino_engine
from s2iammask_core.runtime.export import ONNX, Subject, export
from s2iammask_core.runtime.exported import read_description

pytest.importorskip("openvino")
ON_CPU = RuntimeConfig(device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def exported(calm_network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    export(Subject(calm_network(), {}), folder, ONNX, TrackerConfig())
    return folder


@pytest.fixture
def compiled(monkeypatch):
    """The names of the graphs that were compiled, in order."""
    names = []
    compile_graph = openvino_engine.OpenvinoEngine._compiled
    monkeypatch.setattr(
        openvino_engine.OpenvinoEngine,
        "_compiled",
        lambda engine, graph, lanes: (names.append(graph), compile_graph(engine, graph, lanes))[1],
    )
    return names


def asked_twice(folder):
    described = read_description(folder)
    engine = openvino_engine.OpenvinoEngine(folder, described, ON_CPU)
    side = described.first_pixels
    inputs = {
        "patches": np.full((1, side, side, 3), 90, np.uint8),
        "boxes": np.full((1, side, side), 0.5, np.float32),
    }
    return [engine.answer("first_mask", [inputs, inputs]) for _ in range(2)]


@pytest.mark.parametrize(("cached", "times"), [(True, 2), (False, 1)])
def test_what_only_starts_ask_is_held_in_memory_where_nothing_can_be_kept_on_disk(
    exported, compiled, monkeypatch, tmp_path, cached, times
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if not cached:
        monkeypatch.setattr(openvino_engine, "kept_in", lambda folder: {})

    first, second = asked_twice(exported)

    assert sorted(compiled) == sorted(["template", "search", *["first_mask"] * times])
    for found, again in zip(first, second, strict=True):
        np.testing.assert_array_equal(found[0], again[0])


def test_what_was_compiled_of_folders_that_nobody_uses_any_more_is_removed(exported, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (mine,) = openvino_engine.kept_in(exported).values()
    long_ago, lately = (Path(mine).parent / name for name in ("long ago", "lately"))
    for folder, days in ((long_ago, 61), (lately, 59), (Path(mine), 61)):
        folder.mkdir(exist_ok=True)
        (folder / "graph.blob").write_bytes(b"compiled")
        os.utime(folder, (time.time() - days * 24 * 3600,) * 2)

    openvino_engine.kept_in(exported)

    assert not long_ago.exists()
    assert (lately / "graph.blob").exists()
    assert (Path(mine) / "graph.blob").exists()


@pytest.fixture
def nothing_compiled(monkeypatch):
    """As in a new process."""
    monkeypatch.delenv(openvino_engine.KEPT_KERNELS, raising=False)
    monkeypatch.setattr(openvino_engine, "_first_compilation", threading.Lock())


def kept_kernels():
    with openvino_engine.kernels_let_go():
        return os.environ.get(openvino_engine.KEPT_KERNELS)


def test_only_the_first_compilation_is_told_to_keep_no_kernels_so_that_pytorch_keeps_its_own(
    nothing_compiled,
):
    assert [kept_kernels(), kept_kernels()] == ["0", None]
    assert openvino_engine.KEPT_KERNELS not in os.environ


def test_the_number_of_kernels_that_a_user_wants_kept_stays(nothing_compiled, monkeypatch):
    monkeypatch.setenv(openvino_engine.KEPT_KERNELS, "300")

    assert [kept_kernels(), os.environ[openvino_engine.KEPT_KERNELS]] == ["300", "300"]
