"""A drawn data set in the layout of `stills`, and small settings to train on it."""

import json

import cv2
import numpy as np
import pytest
import torch

from s2iammask_core.training.settings import from_nested


def draw_stills(root, count=6):
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    rng, index = np.random.default_rng(3), {}
    for number in range(count):
        picture = rng.integers(0, 90, (120, 160, 3), dtype=np.uint8)
        mask = np.zeros((120, 160), np.uint8)
        center, axes = (int(rng.integers(50, 110)), int(rng.integers(45, 75))), (28, 16)
        cv2.ellipse(mask, center, axes, int(rng.integers(180)), 0, 360, 1, -1)
        picture[mask > 0] = rng.integers(120, 255, 3, dtype=np.uint8)
        x, y, width, height = cv2.boundingRect(mask)
        cv2.imwrite(str(root / "images" / f"p{number}.png"), picture)
        cv2.imwrite(str(root / "masks" / f"p{number}.png"), mask)
        objects = {"1": {"category": "blob", "area": int(mask.sum()), "box": [x, y, x + width, y + height]}}
        index[f"p{number}"] = {"source": "drawn", "size": [160, 120], "objects": objects}
    (root / "index.json").write_text(json.dumps(index))
    return root


@pytest.fixture
def broken_stills(tmp_path):
    """The same with one picture, which cannot be read."""
    root = draw_stills(tmp_path / "broken", count=1)
    (root / "images" / "p0.png").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="session")
def stills(tmp_path_factory):
    return draw_stills(tmp_path_factory.mktemp("stills") / "set")


@pytest.fixture(scope="session")
def initial(golden_network, tmp_path_factory):
    """A snapshot whose weights give outputs of ordinary size, which random ones without training do not."""
    path = tmp_path_factory.mktemp("initial") / "initial.pt"
    network = golden_network("siammask_base")
    config = {"variant": "siammask_base", "mask_head": "g2", "head_input": "both"}
    torch.save({"network": network.state_dict(), "average": None, "config": config}, path)
    return path


@pytest.fixture(scope="session")
def four_steps(stills, initial):
    """Nested settings of a run of two epochs of two steps, but for where its output goes."""
    return {
        "objective": "proposals",
        "initial": str(initial),
        "network": {"variant": "siammask_box"},
        "epochs": 2,
        "pairs_per_epoch": 4,
        "batch": 2,
        "trained": ["neck", "score", "box"],
        "unfrozen": [],
        "head_norm": "frozen",
        "precision": "fp32",
        "device": "cpu",
        "workers": 0,
        "log_steps": 1,
        "snapshot_steps": 1000,
        "schedule": {"name": "constant", "start": 1e-3},
        "pairs": {"template_crop": 143, "search_crop": 175, "negative": 0.25},
        "augment": {"search_pixels": 143, "search_shift": 8},
        "data": [{"kind": "stills", "root": str(stills)}],
    }


@pytest.fixture
def small_settings(four_steps, tmp_path):
    """The settings of a run of this test's own, which may change some of them."""
    return four_steps | {"output": str(tmp_path / "run")}


@pytest.fixture
def small_run(small_settings):
    return from_nested(small_settings)


@pytest.fixture(scope="module")
def one_thread():
    """Networks this small wait more for other threads than they gain by them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
