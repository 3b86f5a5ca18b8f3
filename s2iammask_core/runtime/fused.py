"""Convolutions of a GPU that add and rectify as they write: one pass over the features instead of three.

cuDNN has a kernel for that, and PyTorch a function that exists for GPUs alone. No GPU has run this yet, so it
is not trusted: a network is tried with it on a drawn picture, and where it fails, then or later, or answers
otherwise, each convolution runs apart from what follows. Tests put a stand-in in the place of `convolved`.
"""

import logging
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from s2iammask_core import scene
from s2iammask_core.geometry import PRIOR_CELLS
from s2iammask_core.model.backbone import Backbone, Bottleneck
from s2iammask_core.model.mask_head import Detail
from s2iammask_core.model.rectified import RectifiedConv2d
from s2iammask_core.model.small_backbone import SmallBackbone
from s2iammask_core.runtime.capture import is_out_of_memory
from s2iammask_core.runtime.joined import JoinedBottleneck, JoinedDetail
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.tracking.step import as_input

HALF = (torch.float16, torch.bfloat16)
RECTIFIED: dict[type[nn.Module], tuple[str, ...]] = {  # what `rectified` is asked for, outside of sequences
    Bottleneck: ("conv1", "conv2", "conv3"),
    JoinedBottleneck: ("conv1", "conv2", "conv3"),
    Backbone: ("conv1",),
    SmallBackbone: ("conv1",),
    Detail: ("early.0", "early.1", "fine", "mix"),
    JoinedDetail: ("early.0", "early.1", "fine", "mix"),
}
TEMPLATE, SEARCH = 127, 255  # pixels of the trial's patches
ALIKE = 0.02  # relative difference of outputs; half formats round by some thousandths

logger = logging.getLogger(__name__)


def convolved(x: Tensor, conv: nn.Conv2d, added: Tensor | None) -> Tensor:
    """relu(conv(x) + added) by cuDNN's kernel, on a GPU alone."""
    padding = cast(tuple[int, ...], conv.padding)  # not in words
    how = conv.bias, conv.stride, padding, conv.dilation, conv.groups
    if added is None:
        return torch.cudnn_convolution_relu(x, conv.weight, *how)
    return torch.cudnn_convolution_add_relu(x, conv.weight, added, 1.0, *how)


def apart(x: Tensor, conv: nn.Conv2d, added: Tensor | None) -> Tensor:
    """The same by three kernels."""
    found: Tensor = conv(x)
    return (found if added is None else found.add_(added)).relu_()


class Fusion:
    """What all fused convolutions of a network run; once it failed, they run apart."""

    def __init__(self) -> None:
        self.works = True

    def __call__(self, x: Tensor, conv: nn.Conv2d, added: Tensor | None) -> Tensor:
        if self.works:
            try:
                return convolved(x, conv, added)
            except Exception as error:  # of cuDNN, or of a PyTorch without it
                if is_out_of_memory(error):
                    raise
                self.give_up(f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")
        return apart(x, conv, added)

    def give_up(self, why: str) -> None:
        logger.warning("convolutions run apart from their additions and ReLUs: %s", why)
        self.works = False


@torch.inference_mode()
def fuse(network: PreparedNetwork) -> Fusion:
    """Has a network use such convolutions, if it answers as before with them."""
    wanted = _trial(network)
    fusion = place_fused(network)
    differences = [*map(_difference, _trial(network), wanted)]
    if fusion.works and not all(each < ALIKE for each in differences):  # of what is no number neither
        told = ", ".join(f"{each:.1%}" for each in differences)
        fusion.give_up(f"together they answer otherwise (by {told} on a drawn picture)")
    return fusion


def place_fused(network: PreparedNetwork) -> Fusion:
    """Puts them where a ReLU follows a convolution; the weights stay where they are."""
    fusion = Fusion()
    for part in (network.module, network.searches):
        for module in list(part.modules()):
            for name in (*RECTIFIED.get(type(module), ()), *_before_relus(module)):
                parent, _, last = name.rpartition(".")
                holder = module.get_submodule(parent)
                setattr(holder, last, RectifiedConv2d(cast(nn.Conv2d, getattr(holder, last)), fusion))
    return fusion


def wants_fusion(network: PreparedNetwork, runtime: str) -> bool:
    """Whether that is worth a trial: in half formats on a GPU, unless Inductor fuses all by itself."""
    return network.device.type == "cuda" and network.dtype in HALF and runtime != "compiled"


def _before_relus(module: nn.Module) -> list[str]:
    """The names of convolutions of a sequence whose ReLUs, which come next, are taken out of it."""
    names = []
    if isinstance(module, nn.Sequential):
        layers = [(name, each) for name, each in module.named_children() if type(each) is not nn.Identity]
        for (name, conv), (after, relu) in pairwise(layers):
            if isinstance(conv, nn.Conv2d) and isinstance(relu, nn.ReLU):
                setattr(module, after, nn.Identity())
                names.append(name)
    return names


def _trial(network: PreparedNetwork) -> list[Tensor]:
    """What a network says about a drawn picture."""
    picture = torch.from_numpy(scene.frame(1, SEARCH, SEARCH, 0)).to(network.device)[None]
    patches, edge = as_input(picture), (SEARCH - TEMPLATE) // 2
    around = scene.boxes(1, SEARCH, SEARCH, 0)[0]
    rois = patches.new_tensor([[[around.x1 - 40, around.y1 - 40, around.x2 + 40, around.y2 + 40]]])
    templates = patches[:, :, edge:-edge, edge:-edge]
    masks, prior = torch.ones_like(templates[:, 0]), patches.new_ones(1, PRIOR_CELLS, PRIOR_CELLS)
    kernels = network.template(templates, masks)
    output = network.search(kernels, patches, prior)
    found = [kernels, output.scores, output.deltas]
    if network.mask_source == "roi":
        found.append(network.roi_masks(output, rois))
    if network.mask_source == "cell":
        middle = torch.full((1,), output.scores.shape[-1] ** 2 // 2, device=network.device)
        found.append(network.cell_masks(output, middle))
    return [each.float() for each in found]


def _difference(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).norm() / wanted.norm().clamp(min=1e-6))
