from pathlib import Path

import pytest
import torch

from s2iammask_core import manifest
from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import UnavailableError
from s2iammask_core.model import checkpoint
from s2iammask_core.runtime.torch_tracker import make_tracker
from s2iammask_core.runtime.weights import checked_weights, weights_file


def test_a_graph_needs_a_gpu(random_network):
    with pytest.raises(UnavailableError, match="CUDA"):
        make_tracker(random_network("siammask_box"), runtime=RuntimeConfig(device="cpu", runtime="graph"))


def test_the_number_of_threads_is_a_setting(random_network):
    before = torch.get_num_threads()
    make_tracker(random_network("siammask_box"), runtime=RuntimeConfig(device="cpu", threads=1))

    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)


def test_weights_are_named_by_a_path_or_by_the_name_of_those_of_the_package(tmp_path):
    usual = weights_file()

    assert usual.name == "s2iammask.safetensors"
    assert weights_file("s2iammask") == usual
    assert weights_file("runs/own.safetensors") == Path("runs/own.safetensors")
    assert weights_file(tmp_path / "s2iammask") == tmp_path / "s2iammask"
    assert weights_file("no_such_name") == Path("no_such_name")


def test_the_former_name_of_the_default_is_understood_with_a_warning(tmp_path, monkeypatch):
    with pytest.warns(FutureWarning, match="now called s2iammask"):
        assert weights_file("s2iammask_nano") == weights_file()

    (tmp_path / "s2iammask_nano").mkdir()
    monkeypatch.chdir(tmp_path)
    assert weights_file("s2iammask_nano") == Path("s2iammask_nano")


def test_a_file_or_folder_in_the_working_directory_wins_over_the_name_of_weights(tmp_path, monkeypatch):
    (tmp_path / "s2iammask").mkdir()
    monkeypatch.chdir(tmp_path)

    assert weights_file("s2iammask") == Path("s2iammask")


@pytest.mark.skipif(not weights_file().is_file(), reason="the weights are not in this checkout")
def test_the_network_that_ships_goes_by_its_name_and_is_what_the_manifest_says():
    path = checked_weights("s2iammask")

    assert path == weights_file()
    assert manifest.is_named(path)
    assert checkpoint.load(path)[0].config.variant == "s2iammask"
