import json

import pytest
import torch

from s2iammask_core import load_tracker
from s2iammask_core.cli import main
from s2iammask_core.config import NetworkConfig
from s2iammask_core.model import build_network, checkpoint

pytest.importorskip("matplotlib")


@pytest.fixture
def call(tmp_path, files):
    root = files.davis(tmp_path / "davis", ["cat", "cow"], frames=5)
    files.rows(root / "ImageSets/2016/train.txt", [("cat",), ("cow",)])
    torch.manual_seed(3)
    checkpoint.save(build_network(NetworkConfig("s2iammask")), tmp_path / "small.safetensors")

    def call(*more):
        weights = str(tmp_path / "small.safetensors")
        return main(
            ["calibrate", "--root", str(root), "--weights", weights, "--device", "cpu", *map(str, more)]
        )

    return call


@pytest.mark.slow
def test_a_fitted_confidence_is_written_into_the_weights_and_drawn(call, tmp_path, capsys):
    out, plot = tmp_path / "fitted.safetensors", tmp_path / "reliability.png"

    assert call("--starts", 2, "--out", out, "--plot", plot, "--json") == 0

    report = json.loads(capsys.readouterr().out)
    own = 2 * (4 + 2)  # frames after the first and after the third of two sequences
    assert report["frames"] == own + 2 * 2 * 5  # and after each start those of the other sequence
    assert report["right"] <= own / report["frames"]  # where nothing can be right
    assert 0 <= report["error_after"] <= 1
    fitted = load_tracker(out, device="cpu").confidence_model
    assert fitted.bias == report["confidence"]["bias"]
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_runs_backwards_in_time_are_observed_too(call, capsys):
    assert call("--reverse", "--json") == 0

    assert json.loads(capsys.readouterr().out)["frames"] == 2 * 2 * (4 + 5)


def test_one_sequence_is_refused(call, capsys):
    assert call("--sequences", "cat") == 2
    assert "at least two" in capsys.readouterr().err


def test_a_sequence_that_is_not_listed_is_named(call, capsys):
    assert call("--sequences", "cat,dog") == 2
    assert "dog" in capsys.readouterr().err


def test_no_start_at_all_is_refused(call, capsys):
    assert call("--starts", 0) == 2
    assert "starts must be 1 or more" in capsys.readouterr().err
