"""`s2iammask check`: what is said of a machine and of each way of running a network on it."""

import json
import signal

import pytest

from s2iammask_core.bench import check
from s2iammask_core.bench.candidate import Figures, Order, figures
from s2iammask_core.bench.check import Finding, findings, taken, without_paths
from s2iammask_core.cli import main
from s2iammask_core.config import NetworkConfig, RuntimeConfig
from s2iammask_core.model import build_network, checkpoint
from s2iammask_core.runtime.verification import objection_to
from s2iammask_core.runtime.weights import forms_of, shipped_folder

ON_CPU = RuntimeConfig(device="cpu")


@pytest.fixture
def light_only(monkeypatch):
    """A machine on which the base installation is all there is."""
    here = {
        name: number for name, number in check.installed().items() if name not in ("torch", "onnxruntime")
    }
    monkeypatch.setattr(check, "installed", lambda: here)


@pytest.fixture
def executable(monkeypatch, tmp_path):
    """Has the processes of ways run a shell script."""

    def use(script):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(check.sys, "executable", str(path))

    return use


@pytest.mark.usefixtures("light_only")
def test_each_way_is_measured_or_says_why_not(capsys):
    assert main(["check", "--device", "cpu", "--frames", "2", "--json"]) == 0

    text = capsys.readouterr().out
    report = json.loads(text)
    openvino, eager, onnxruntime = report["ways"]
    found = openvino["figures"]
    assert found["agreement"] > 0.9
    assert [step["targets"] for step in found["steps"]] == [1, 4]
    assert all(0 < step["p50"] <= step["p99"] for step in found["steps"])
    assert found["start_up"] > 0
    assert found["memory_mib"] > 0
    assert eager["figures"]["reason"] == "not installed: pip install s2iammask[torch]"
    assert "pip install onnxruntime" in onnxruntime["figures"]["reason"]
    assert report["auto"] == {"runtime": "openvino", "device": "cpu"}
    assert report["machine"]["openvino"].startswith("20")
    assert str(shipped_folder().parent) not in text


def test_a_way_that_crashes_is_a_line_of_the_table(executable, capsys):
    executable("kill -SEGV $$")

    assert main(["check", "--device", "cpu"]) == 1

    text = capsys.readouterr().out
    assert text.count(signal.SIGSEGV.name) == 3
    assert "no way works" in text


def test_a_way_that_fails_says_its_last_word(executable):
    executable("echo 'first' >&2; echo 'ImportError: /home/anna/lib/libfoo.so.1 is missing' >&2; exit 1")

    first = next(findings(forms_of(shipped_folder() / "s2iammask.safetensors"), ON_CPU, 1))

    assert first.figures.reason == "its process failed: ImportError: libfoo.so.1 is missing"


def test_weights_without_graphs_say_what_openvino_needs(tmp_path):
    weights = tmp_path / "own.safetensors"
    checkpoint.save(build_network(NetworkConfig("siammask_box")), weights)

    first = next(findings(forms_of(weights), ON_CPU, 1))

    assert first.runtime == "openvino"
    assert "s2iammask export own --weights own.safetensors" in first.figures.reason


def test_what_a_library_raises_is_the_reason(tmp_path):
    found = figures(Order("openvino", "cpu", str(tmp_path), "auto", 0, 1, 0.0))

    assert "holds no exported network" in found.reason


def test_auto_takes_the_first_way_that_nothing_speaks_against():
    broken = Finding("openvino", "cpu", Figures(reason=objection_to(0.5)))
    good, other = (Finding(name, "cpu", Figures(agreement=0.98)) for name in ("eager", "onnxruntime"))

    assert taken([broken, good, other]) == good
    assert taken([broken]) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot read /home/anna/robot/own.safetensors: gone", "cannot read own.safetensors: gone"),
        ("no '~/models/net.onnx', sorry", "no 'net.onnx', sorry"),
        ("cuda/cpu and 12/14 stay, https://docs.example.org/page too", None),
    ],
)
def test_files_are_named_without_their_folders(text, shown):
    assert without_paths(text) == (shown or text)


@pytest.mark.parametrize("words", [["--frames", "0"], ["--device", "nowhere"]])
def test_wrong_values_are_refused(words, capsys):
    assert main(["check", *words]) == 2
    assert words[0].strip("-") in capsys.readouterr().err
