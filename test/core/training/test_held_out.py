"""Validation while training, on a drawn sequence in DAVIS layout."""

import cv2
import numpy as np
import pytest
import torch

from s2iammask_core.cli.held_out import held_out
from s2iammask_core.config import NetworkConfig
from s2iammask_core.errors import ConfigError
from s2iammask_core.evaluation.repeated import summary
from s2iammask_core.model import checkpoint
from s2iammask_core.model.network import build_network
from s2iammask_core.runtime import weights_file
from s2iammask_core.runtime.torch_tracker import make_tracker
from s2iammask_core.training.settings import ValidationConfig


@pytest.fixture
def root(tmp_path):
    """One sequence of five frames."""
    for folder in ("JPEGImages", "Annotations"):
        (tmp_path / folder / "480p" / "a").mkdir(parents=True)
    for index in range(5):
        mask = np.zeros((60, 80), np.uint8)
        mask[20:40, 20 + index : 50 + index] = 255
        cv2.imwrite(str(tmp_path / f"JPEGImages/480p/a/{index:05d}.jpg"), mask)
        cv2.imwrite(str(tmp_path / f"Annotations/480p/a/{index:05d}.png"), mask)
    (tmp_path / "ImageSets" / "2016").mkdir(parents=True)
    (tmp_path / "ImageSets" / "2016" / "train.txt").write_text("a\n")
    return tmp_path


def test_the_score_of_a_network_with_masks_is_that_of_its_masks(root):
    validate = held_out(ValidationConfig(str(root), every=2))

    scores = validate(build_network(NetworkConfig("s2iammask")))

    assert scores.keys() == {"score", "j", "f", "box_iou"}
    assert scores["score"] == scores["j"]
    assert all(0 <= value <= 1 for value in scores.values())


def test_validation_leaves_the_network_and_the_number_formats_as_they_are(root, monkeypatch):
    network = build_network(NetworkConfig("s2iammask"))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    seen = []

    def noted(made, *given, **named):
        seen.append((torch.is_autocast_enabled("cpu"), named["runtime"].device, made is network))
        return make_tracker(made, *given, **named)

    monkeypatch.setattr("s2iammask_core.cli.held_out.make_tracker", noted)

    held_out(ValidationConfig(str(root), every=2))(network)

    assert seen == [(False, "cpu", False)]
    assert torch.backends.cudnn.allow_tf32
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_more_starts_are_more_runs(root, monkeypatch):
    network, _ = checkpoint.load(weights_file("s2iammask"))
    runs = []
    monkeypatch.setattr(
        "s2iammask_core.cli.held_out.summary", lambda found: runs.append(len(found)) or summary(found)
    )

    for reverse in (False, True):
        scores = held_out(ValidationConfig(str(root), every=1, starts=1, reverse=reverse))(network)
        assert scores["j"] > 0.5

    assert runs[0] < runs[1]


def test_without_a_folder_nothing_is_validated():
    assert held_out(ValidationConfig()) is None


def test_sequences_that_are_not_there_are_named(root):
    with pytest.raises(ConfigError, match="has not: b"):
        held_out(ValidationConfig(str(root), ("a", "b")))


def test_a_validation_without_a_frame_to_track_is_refused_before_the_training(root):
    with pytest.raises(ConfigError, match=r"validation\.every 3 leaves no frame"):
        held_out(ValidationConfig(str(root), every=3))
