"""ImageNet ResNet-50 weights of the Caffe variant, fitted to a backbone."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from s2iammask_core.errors import WeightsError

MEAN_BGR = (103.94, 116.78, 123.68)


def load_imagenet(backbone: nn.Module, path: Path | str) -> None:
    """Copies what the backbone has of an .npz file with torchvision's names, whose input is BGR minus
    MEAN_BGR.

    The 1x1 shortcuts go into the centre tap of 3x3 ones, the mean and conv1's bias into bn1, BGR becomes RGB.
    The stride sits in another layer of the first blocks, and a light backbone has fewer blocks, so these are
    a start for fine-tuning, not the same network.
    """
    try:
        with np.load(str(path)) as file:
            given = {name: torch.from_numpy(file[name]).float() for name in file.files}
    except (OSError, ValueError) as error:
        raise WeightsError(f"cannot read ImageNet weights from {path}: {error}") from error
    wanted = backbone.state_dict()
    made: dict[str, Tensor] = {}
    for name, value in wanted.items():
        if name.endswith("num_batches_tracked"):
            continue
        source = name.replace("shortcut", "downsample")
        if source not in given:
            raise WeightsError(f"{path} has no {source}")
        made[name] = _fitted(given[source], value.shape)
    stem = given["conv1.weight"]
    shift = (stem * torch.tensor(MEAN_BGR)[None, :, None, None]).sum(dim=(1, 2, 3)) - given.get(
        "conv1.bias", 0
    )
    made["bn1.running_mean"] = given["bn1.running_mean"] + shift
    made["conv1.weight"] = stem.flip(1)
    backbone.load_state_dict(made, strict=False)


def _fitted(value: Tensor, shape: torch.Size) -> Tensor:
    """The value in its shape; a 1x1 kernel in the centre of a 3x3 one."""
    if value.shape == shape:
        return value
    kernel = value.new_zeros(shape)
    kernel[:, :, 1, 1] = value[:, :, 0, 0]
    return kernel
