"""Networks whose weights follow by formula from each parameter's original name; no checkpoint is needed."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from s2iammask_core.config import NetworkConfig
from s2iammask_core.model.checkpoint import convert_official
from s2iammask_core.model.names import OFFICIAL_NAMES
from s2iammask_core.model.network import build_network

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"


def formula(name, shape):
    """The golden weight of an original parameter name."""
    seed = np.random.RandomState(zlib.crc32(name.encode()))
    x = torch.from_numpy(seed.standard_normal(int(np.prod(shape))).astype(np.float32)).reshape(shape)
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape)
    if name.endswith(("running_mean", "bias")):
        return 0.1 * x
    if name.endswith("running_var"):
        return 1 + 0.1 * x.abs()
    if len(shape) == 1:
        return (1 + 0.1 * x) * (0.2 if ".bn3." in name else 1)
    gain = 1 / 64 if name.endswith("conv1.weight") and shape[-1] == 7 else 1
    gain = 1 / 32 if ".head.0." in name or name.startswith("refine_model.deconv") else gain
    return x * float(np.sqrt(1 / np.prod(shape[1:]))) * gain


def original_name(own):
    for theirs, prefix in OFFICIAL_NAMES.items():
        if own.startswith(prefix):
            rest = own.removeprefix(prefix)
            return theirs + (rest.replace("shortcut.", "downsample.") if prefix == "backbone." else rest)
    raise KeyError(own)


@pytest.fixture(scope="session")
def golden_network():
    """Makes the network of a variant with golden weights."""

    def make(variant):
        config = NetworkConfig(variant)
        shapes = {original_name(k): v.shape for k, v in build_network(config).state_dict().items()}
        weights = {name: formula(name, tuple(shape)) for name, shape in shapes.items()}
        return convert_official(weights, config).eval()

    return make


@pytest.fixture(scope="session")
def golden_weight():
    """The formula: from an original parameter name and its shape to its golden weight."""
    return formula


@pytest.fixture(scope="session")
def golden_numbers():
    """Reads a file of the original networks' numbers, images as RGB floats; skips where there is none."""

    def read(name):
        path = GOLDEN / f"{name}.npz"
        if not path.exists():
            pytest.skip("the full golden numbers are not on this machine")
        numbers = dict(np.load(path))
        for image in {"z", "x", "train_z", "train_x"} & numbers.keys():
            numbers[image] = torch.from_numpy(numbers[image]).float().flip(1)
        return numbers

    return read


@pytest.fixture
def layouts(tmp_path):
    """Two pictures of 32x24 in each of the layouts."""
    for folder in ("pictures", "JPEGImages/v", "Annotations/v", "images", "masks", "data"):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(2):
            suffix = "png" if folder in ("Annotations/v", "masks") else "jpg"
            picture = Image.fromarray(np.ones((24, 32), np.uint8))
            picture.save(tmp_path / folder / f"{number}.{suffix}")
    return tmp_path
