"""The Siamese networks: box, SiamMask-base, SiamMask-sharp and S2iamMask, over batches of N targets."""

from typing import cast

import torch
from torch import Tensor, nn

from s2iammask_core.anchors import AnchorShape
from s2iammask_core.config import NetworkConfig
from s2iammask_core.model.backbone import Backbone, Neck
from s2iammask_core.model.correlation import Correlation, CorrelationBranch, depthwise_correlation
from s2iammask_core.model.mask_head import RegionMasks
from s2iammask_core.model.nano import NanoBackbone
from s2iammask_core.model.refine import Refine, window_at
from s2iammask_core.tracking.network import MaskSource, SearchOutput

BASE_MASK_PIXELS = 63  # side of a mask of SiamMask-base
GRID_PADDING = 3  # cells of zeros that put the mask correlation on the grid of the search features
MASK_SOURCES: dict[str, MaskSource] = {
    "siammask_box": "none",
    "siammask_base": "cell",
    "siammask_sharp": "cell",
    "s2iammask": "roi",
    "s2iammask_nano": "roi",
}
CHANNELS = 256  # of the neck, and of everything after it
NANO_CHANNELS = 64


class SiameseNetwork(nn.Module):
    """One backbone for templates and search patches; proposals in every variant, masks by variant."""

    def __init__(self, config: NetworkConfig = NetworkConfig()) -> None:
        super().__init__()
        self.config = config
        self.correlation: Correlation = depthwise_correlation  # export puts another of the same result
        anchors = AnchorShape().count
        nano = config.variant == "s2iammask_nano"
        self.backbone = NanoBackbone() if nano else Backbone()
        self.channels = NANO_CHANNELS if nano else CHANNELS
        self.neck = Neck(self.backbone.channels.deep, self.channels)
        self.score = CorrelationBranch(self.channels, 2 * anchors)
        self.box = CorrelationBranch(self.channels, 4 * anchors)
        if self.mask_source != "none":
            outputs = BASE_MASK_PIXELS**2 if config.variant == "siammask_base" else 0
            self.mask = CorrelationBranch(self.channels, outputs)
        if config.variant == "siammask_sharp":
            self.refine = Refine()
        if self.mask_source == "roi":
            early = self.backbone.channels[:2] if config.mask_detail else None
            self.region_masks = RegionMasks(config.mask_head, self.channels, early)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def mask_source(self) -> MaskSource:
        return MASK_SOURCES[self.config.variant]

    def branches(self) -> tuple[CorrelationBranch, ...]:
        """The correlation branches, in the order of their kernels."""
        return (self.score, self.box) if self.mask_source == "none" else (self.score, self.box, self.mask)

    def template(self, patches: Tensor) -> Tensor:
        """Kernels (N, C of all branches, 5, 5) of template patches (N, 3, 127, 127)."""
        features = self.neck(self.backbone(patches)[-1])  # (N, C, 7, 7)
        return torch.cat([branch.template(features) for branch in self.branches()], dim=1)

    def search(self, kernels: Tensor, patches: Tensor) -> SearchOutput:
        """See tracking.network.Network."""
        f0, f1, f2, f3 = self.backbone(patches)
        search = self.neck(f3)  # (N, C, 31, 31)
        return self.answer(
            kernels, search, tuple(branch.search(search) for branch in self.branches()), (f0, f1, f2)
        )

    def answer(
        self,
        kernels: Tensor,
        search: Tensor,
        searched: tuple[Tensor, ...],
        skips: tuple[Tensor, Tensor, Tensor],
    ) -> SearchOutput:
        """What follows from the neck's features and what each branch made of them, (N, C, 29, 29)."""
        score, box, *mask = zip(searched, kernels.split(self.channels, dim=1), strict=True)
        scores = self.score.head(self.correlation(*score, 0)).float()  # (N, 2A, S, S)
        deltas = self.box.head(self.correlation(*box, 0)).float()  # (N, 4A, S, S)
        masks = self._mask_features(*mask[0], search, skips) if mask else ()
        return SearchOutput(scores.unflatten(1, (2, -1)), deltas.unflatten(1, (4, -1)), masks)

    def _mask_features(
        self, searched: Tensor, kernels: Tensor, search: Tensor, skips: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, ...]:
        if self.mask_source == "roi":
            padded = self.correlation(searched, kernels, GRID_PADDING)  # (N, C, 31, 31)
            return self._region_inputs(padded, search, skips)
        correlation = self.correlation(searched, kernels, 0)  # (N, C, 25, 25)
        return (correlation, *skips) if self.config.variant == "siammask_sharp" else (correlation,)

    def _region_inputs(
        self, correlation: Tensor, search: Tensor, skips: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, ...]:
        maps = {"search": (search,), "correlation": (correlation,), "both": (correlation, search)}
        return self.region_masks.inputs(maps[self.config.head_input], skips[0], skips[1])

    def region_inputs(
        self, kernels: Tensor, search: Tensor, skips: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, ...]:
        """What the second stage reads, of the mask branch's kernels (N, C, 5, 5), search features (N, C, 31,
        31) and the backbone's earlier maps.
        """
        return self._region_inputs(self.mask.correlate(kernels, search, GRID_PADDING), search, skips)

    def cell_masks(self, output: SearchOutput, cells: Tensor) -> Tensor:
        """Mask logits (N, 63, 63) of SiamMask-base or (N, 127, 127) of SiamMask-sharp, one cell a sample."""
        correlation, *skips = output.features
        columns_in_row = correlation.shape[-1]
        rows, columns = cells // columns_in_row, cells % columns_in_row
        sample = torch.arange(cells.shape[0], device=cells.device)
        vectors = correlation[sample, :, rows, columns]  # (N, 256)
        if self.config.variant == "siammask_base":
            side = (BASE_MASK_PIXELS, BASE_MASK_PIXELS)
            masks: Tensor = self.mask.head(vectors[:, :, None, None])  # (N, 3969, 1, 1)
            return masks.reshape(-1, *side).float()
        windows = tuple(window_at(skip, rows, columns, level) for level, skip in enumerate(skips))
        return cast(Tensor, self.refine(vectors, windows)).float()

    def roi_masks(self, output: SearchOutput, rois: Tensor) -> Tensor:
        """Mask logits (N, K, M, M) of regions (N, K, 4) x1 y1 x2 y2 in patch pixels."""
        return cast(Tensor, self.region_masks(output.features, rois)).float()


def build_network(config: NetworkConfig = NetworkConfig()) -> SiameseNetwork:
    """A network with random weights, in evaluation mode."""
    return SiameseNetwork(config).eval()
