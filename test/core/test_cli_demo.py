"""The composed clip and its command."""

import json

import numpy as np
import pytest
import torch

pytest.importorskip("skimage")

from s2iammask_core.cli import main
from s2iammask_core.clip import first_box, shots
from s2iammask_core.config import NetworkConfig
from s2iammask_core.model import build_network, checkpoint


def test_the_object_moves_and_grows_and_its_mask_is_where_it_was_pasted():
    first, *_, last = shots(5)

    assert last.mask.sum() > 2 * first.mask.sum()
    assert np.abs(np.argwhere(last.mask).mean(axis=0) - np.argwhere(first.mask).mean(axis=0)).max() > 100
    changed = (first.frame != last.frame).any(axis=2)
    assert changed[last.mask & ~first.mask].mean() > 0.95


def test_the_clip_is_the_same_each_time():
    assert all((a.frame == b.frame).all() for a, b in zip(shots(3), shots(3), strict=True))
    assert first_box(3) == first_box(3)


def test_a_clip_of_one_frame_is_refused(capsys):
    assert main(["demo", "--frames", "1"]) == 2

    assert "--frames" in capsys.readouterr().err


def test_the_command_tracks_the_clip_and_scores_it(tmp_path, capsys):
    torch.manual_seed(0)
    checkpoint.save(build_network(NetworkConfig("siammask_base")), tmp_path / "w.safetensors")
    words = [
        "demo",
        "--frames",
        "3",
        "--weights",
        str(tmp_path / "w.safetensors"),
        "--device",
        "cpu",
        "--json",
    ]

    code = main([*words, "--out", str(tmp_path / "overlay.mp4")])

    assert code == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["frames"] == 2
    assert 0 <= figures["mean_iou"] <= 1
    assert (tmp_path / "overlay.mp4").stat().st_size > 0
