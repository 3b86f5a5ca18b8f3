"""Weights are compared with their manifest."""

import json

import pytest

from s2iammask_core import RuntimeConfig, TrackerConfig
from s2iammask_core.config import NetworkConfig
from s2iammask_core.errors import WeightsError
from s2iammask_core.manifest import MANIFEST, sha256
from s2iammask_core.model import checkpoint
from s2iammask_core.model.network import build_network
from s2iammask_ros.loading import make_tracker


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "box.safetensors"
    checkpoint.save(build_network(NetworkConfig(variant="siammask_box")), path)
    return path


def load(path):
    return make_tracker(str(path), TrackerConfig(), RuntimeConfig(device="cpu", precision="fp32"))


def test_a_file_that_the_manifest_describes_is_loaded(weights):
    digest = sha256(weights)
    (weights.parent / MANIFEST).write_text(json.dumps({weights.name: digest}))

    assert load(weights).ids == ()


def test_a_file_that_differs_from_the_manifest_is_refused(weights):
    (weights.parent / MANIFEST).write_text(json.dumps({weights.name: "0" * 64}))

    with pytest.raises(WeightsError, match="sha256"):
        load(weights)


def test_a_file_of_ones_own_needs_no_manifest(weights):
    (weights.parent / MANIFEST).write_text("{}")

    assert load(weights).ids == ()


def test_missing_weights_name_the_parameter_that_helps(tmp_path):
    with pytest.raises(WeightsError, match=r"no weights.*parameter weights"):
        load(tmp_path / "none.safetensors")


def test_a_broken_manifest_is_said(weights):
    (weights.parent / MANIFEST).write_text("{")

    with pytest.raises(WeightsError, match="manifest"):
        load(weights)
