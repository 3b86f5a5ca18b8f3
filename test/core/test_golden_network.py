"""Network outputs against those of the original code, with weights made by a formula from each parameter's name."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from s2iammask_core.config import NetworkConfig
from s2iammask_core.model.checkpoint import convert_official
from s2iammask_core.model.mask_head import HEADS
from s2iammask_core.model.names import OFFICIAL_NAMES
from s2iammask_core.model.network import build_network

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"


def formula(name, shape):
    """The golden weight of an original parameter name."""
    x = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(int(np.prod(shape))).astype(np.float32)
    x = torch.from_numpy(x).reshape(shape)
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape)
    if name.endswith("running_mean") or name.endswith("bias"):
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
    raise AssertionError(own)


def golden_network(variant):
    shapes = {original_name(k): v.shape for k, v in build_network(NetworkConfig(variant)).state_dict().items()}
    return convert_official({k: formula(k, tuple(s)) for k, s in shapes.items()}, NetworkConfig(variant))
