"""What the tracker needs of a network of PyTorch; the models have it, and so have the fakes of the tests."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MaskSource = Literal["none", "cell", "roi"]

# a memory of pixels has for each of its cells a key, how far the cell is object and surroundings, and more; a
# cell that asks is told the mean of what the cells with like keys are, weighted by the exponential of their
# product less the greatest that there can be
MEMORY_KEYS = (16, 32)  # numbers of a key, of early and of deep features: what the cell looks like
MEMORY_KEY = sum(MEMORY_KEYS)
MEMORY_CELLS = 31**2
MEMORY_FAINT = 1e-3  # weight of a likeness that says nothing


@dataclass(frozen=True, slots=True)
class SearchOutput:
    """What a network says about N search patches; S cells a side, A anchors a cell."""

    scores: "Tensor"  # (N, 2, A, S, S) float32 logits: background, object
    deltas: "Tensor"  # (N, 4, A, S, S) float32 box deltas relative to anchor_grid(S)
    features: Any  # what masks are made of; only the network understands it


class Network(Protocol):
    """A Siamese network over batches of N targets. Patches are RGB in [0, 255], float32."""

    @property
    def device(self) -> "torch.device": ...

    @property
    def mask_source(self) -> MaskSource:
        """Whether masks come from score cells (SiamMask), from regions (S2iamMask) or not at all."""
        ...

    @property
    def memory_values(self) -> int:
        """How many of a template's values, the last ones, are a memory of pixels; 0 without one. The others
        tell which object it is.

        A memory is rows of a value for each of MEMORY_CELLS cells: MEMORY_KEY ones of keys, all of the same
        length, then how far the cells are the object, how far its surroundings, in [0, 1], and more.
        """
        ...

    @property
    def first_pixels(self) -> int:
        """Side of the patches in which it finds the mask of a box; 0 if it cannot."""
        ...

    def template(self, patches: "Tensor", masks: "Tensor") -> "Tensor":
        """What is remembered (N, V) of the objects in template patches (N, 3, T, T).

        masks (N, T, T) say how far each pixel is the object, in [0, 1], negative where that is unknown; 0
        everywhere where nothing is known yet.
        """
        ...

    def search(self, templates: "Tensor", patches: "Tensor", prior: "Tensor") -> SearchOutput:
        """Looks for the n-th template in the n-th patch of (N, 3, P, P).

        prior (N, C, C) is how far the object was in each of C x C equal parts of the patch in the frame
        before, in [0, 1]; 0 everywhere where nothing is known.
        """
        ...

    def first_mask(self, patches: "Tensor", boxes: "Tensor") -> "Tensor":
        """How far each pixel is the object, (N, P, P) in [0, 1], of patches (N, 3, P, P) of `first_pixels`
        around boxes, which are masks (N, P, P) as for `template`.
        """
        ...

    def cell_masks(self, output: SearchOutput, cells: "Tensor") -> "Tensor":
        """Mask logits (N, M, M) of the template-sized windows of score cells (N,), row * S + column."""
        ...

    def roi_masks(self, output: SearchOutput, rois: "Tensor") -> "Tensor":
        """Mask logits (N, K, M, M) that cover regions (N, K, 4) x1 y1 x2 y2 in patch pixels exactly."""
        ...


class OfNetwork:
    """What is made of a network of PyTorch, and says so."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @property
    def mask_source(self) -> MaskSource:
        return self._network.mask_source

    @property
    def memory_values(self) -> int:
        return self._network.memory_values

    @property
    def first_pixels(self) -> int:
        return self._network.first_pixels


class WithNetwork(OfNetwork):
    """What all that steps by a network say about it, as `runner.StepRunner` has it."""

    @property
    def device(self) -> str:
        return str(self._network.device)

    def sizes(self, most: int) -> tuple[int, ...]:
        return (1,)
