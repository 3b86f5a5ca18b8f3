"""What the tracker needs of a network of PyTorch; the models have it, and so have the fakes of the tests."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MaskSource = Literal["none", "cell", "roi"]


@dataclass(frozen=True, slots=True)
class SearchOutput:
    """What a network says about N search patches; S cells a side, A anchors a cell."""

    scores: "Tensor"  # (N, 2, A, S, S) float32 logits: background, object
    deltas: "Tensor"  # (N, 4, A, S, S) float32 box deltas relative to anchor_grid(S)
    features: "tuple[Tensor, ...]"  # what masks are made of; only the network understands them


class Network(Protocol):
    """A Siamese network over batches of N targets. Patches are RGB in [0, 255], float32."""

    @property
    def device(self) -> "torch.device": ...

    @property
    def mask_source(self) -> MaskSource:
        """Whether masks come from score cells (SiamMask), from regions (S2iamMask) or not at all."""
        ...

    def template(self, patches: "Tensor") -> "Tensor":
        """Correlation kernels (N, C, h, w) of template patches (N, 3, T, T)."""
        ...

    def search(self, kernels: "Tensor", patches: "Tensor") -> SearchOutput:
        """Looks for the n-th template in the n-th patch of (N, 3, P, P)."""
        ...

    def cell_masks(self, output: SearchOutput, cells: "Tensor") -> "Tensor":
        """Mask logits (N, M, M) of the template-sized windows of score cells (N,), row * S + column."""
        ...

    def roi_masks(self, output: SearchOutput, rois: "Tensor") -> "Tensor":
        """Mask logits (N, K, M, M) that cover regions (N, K, 4) x1 y1 x2 y2 in patch pixels exactly."""
        ...
