"""A trained network made ready to run: batch norms folded, channels last, the number format of the device."""

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from s2iammask_core.model.backbone import affine
from s2iammask_core.model.network import SiameseNetwork
from s2iammask_core.runtime.joined import join_convolutions
from s2iammask_core.tracking.network import MaskSource, SearchOutput


def fold_batch_norm(network: nn.Module) -> None:
    """Puts each batch norm into the convolution before it, in place; the outputs stay the same."""
    for module in network.modules():
        names = list(module._modules)
        for before, name in pairwise(names):
            conv, norm = module._modules[before], module._modules[name]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                _fold(conv, norm)
                setattr(module, name, nn.Identity())


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    scale, bias = affine(norm)
    conv.weight = nn.Parameter(
        conv.weight.detach() * scale.detach()[:, None, None, None], requires_grad=False
    )
    old = 0 if conv.bias is None else conv.bias.detach() * scale.detach()
    conv.bias = nn.Parameter(bias.detach() + old, requires_grad=False)


def _stacked(convs: list[nn.Conv2d]) -> nn.Sequential:
    """One convolution with the outputs of several unpadded ones on the same input, and the ReLU after it."""
    first, weight = convs[0], torch.cat([conv.weight for conv in convs])
    stacked = nn.utils.skip_init(
        nn.Conv2d, first.in_channels, weight.shape[0], 3, device=weight.device, dtype=weight.dtype
    )
    stacked.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last), requires_grad=False)
    stacked.bias = nn.Parameter(torch.cat([cast(Tensor, conv.bias) for conv in convs]), requires_grad=False)
    return nn.Sequential(stacked, nn.ReLU(inplace=True))


class PreparedNetwork:
    """A network on its device in its number format, behind the float32 interface of tracking.network.Network.

    The search convolutions of all branches, which read the same features, run as one. Only `module` and
    `searches` have weights.
    """

    def __init__(self, network: SiameseNetwork, device: torch.device, dtype: torch.dtype) -> None:
        fold_batch_norm(network)
        join_convolutions(network)
        self.module = (
            network.eval().requires_grad_(False).to(device, dtype).to(memory_format=torch.channels_last)
        )
        self.dtype = dtype
        self.searches = _stacked([cast(nn.Conv2d, branch.search[0]) for branch in network.branches()])

    @property
    def device(self) -> torch.device:
        return self.module.device

    @property
    def mask_source(self) -> MaskSource:
        return self.module.mask_source

    @property
    def memory_values(self) -> int:
        return self.module.memory_values

    @property
    def first_pixels(self) -> int:
        return self.module.first_pixels

    def template(self, patches: Tensor, masks: Tensor) -> Tensor:
        return self.module.template(self._patches(patches), masks)

    def search(self, templates: Tensor, patches: Tensor, prior: Tensor) -> SearchOutput:
        skips = self.module.backbone(self._patches(patches))
        search = self.module.neck(skips[3])
        searched = self.searches(search)  # (N, 256 B, 29, 29) of B branches
        parts = searched.split(search.shape[1], dim=1)
        return self.module.answer(templates.to(search.dtype), search, parts, skips, prior)

    def first_mask(self, patches: Tensor, boxes: Tensor) -> Tensor:
        return self.module.first_mask(self._patches(patches), boxes)

    def cell_masks(self, output: SearchOutput, cells: Tensor) -> Tensor:
        return self.module.cell_masks(output, cells)

    def roi_masks(self, output: SearchOutput, rois: Tensor) -> Tensor:
        return self.module.roi_masks(output, rois)

    def _patches(self, patches: Tensor) -> Tensor:
        return patches.to(self.dtype).contiguous(memory_format=torch.channels_last)
