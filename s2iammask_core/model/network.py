"""The Siamese networks: box, SiamMask-base, SiamMask-sharp and S2iamMask, over batches of N targets."""

import math
from typing import Any, cast

import torch
from torch import Tensor, nn

from s2iammask_core.anchors import AnchorShape
from s2iammask_core.config import NetworkConfig
from s2iammask_core.model.backbone import Backbone, Neck
from s2iammask_core.model.correlation import Correlation, CorrelationBranch, depthwise_correlation
from s2iammask_core.model.first_masks import FIRST_PIXELS, FirstMasks
from s2iammask_core.model.mask_head import RegionInputs, RegionMasks
from s2iammask_core.model.memory import CELLS, ROWS, PixelMemory
from s2iammask_core.model.refine import Refine, window_at
from s2iammask_core.model.small_backbone import SmallBackbone
from s2iammask_core.tracking.network import MaskSource, SearchOutput

BASE_MASK_PIXELS = 63  # side of a mask of SiamMask-base
GRID_PADDING = 3  # cells of zeros that put the mask correlation on the grid of the search features
MASK_SOURCES: dict[str, MaskSource] = {
    "siammask_box": "none",
    "siammask_base": "cell",
    "siammask_sharp": "cell",
    "s2iammask": "roi",
}
CHANNELS = 256  # of the neck, and of everything after it
SMALL_CHANNELS = 64  # with the small backbone


class SiameseNetwork(nn.Module):
    """One backbone for templates and search patches; proposals in every variant, masks by variant."""

    def __init__(self, config: NetworkConfig = NetworkConfig()) -> None:
        super().__init__()
        self.config = config
        self.correlation: Correlation = depthwise_correlation  # export puts another of the same result
        anchors = AnchorShape().count
        self.backbone = SmallBackbone(config.blocks) if config.is_small else Backbone()
        self.channels = SMALL_CHANNELS if config.is_small else CHANNELS
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
            deep = self.backbone.channels.deep if config.memory else None
            self.region_masks = RegionMasks(config.mask_head, self.channels, early, deep)
        self.first_masks = FirstMasks() if config.has_first_mask else None

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def mask_source(self) -> MaskSource:
        return MASK_SOURCES[self.config.variant]

    def branches(self) -> tuple[CorrelationBranch, ...]:
        """The correlation branches, in the order of their kernels."""
        return (self.score, self.box) if self.mask_source == "none" else (self.score, self.box, self.mask)

    @property
    def memory_values(self) -> int:
        """See tracking.network.Network."""
        return 0 if self.memory is None else ROWS * CELLS**2

    @property
    def memory(self) -> PixelMemory | None:
        """The memory of pixels of networks that have one."""
        return self.region_masks.memory if self.mask_source == "roi" else None

    def template(self, patches: Tensor, masks: Tensor) -> Tensor:
        """See tracking.network.Network: the correlation kernels of all branches, then the memory's rows."""
        _, early, _, deep = self.backbone(patches)
        features = self.neck(deep)  # (N, C, 7, 7)
        parts = [branch.template(features).flatten(1) for branch in self.branches()]
        if self.memory is not None:
            parts.append(self.memory.remember(early, deep, masks).to(features.dtype).flatten(1))
        return torch.cat(parts, dim=1)

    @property
    def first_pixels(self) -> int:
        """See tracking.network.Network."""
        return 0 if self.first_masks is None else FIRST_PIXELS

    def first_mask(self, patches: Tensor, boxes: Tensor) -> Tensor:
        """See tracking.network.Network."""
        return cast(Tensor, cast(FirstMasks, self.first_masks)(patches, boxes))

    def kernels_of(self, templates: Tensor) -> Tensor:
        """Correlation kernels (N, C of all branches, h, w) of what `template` made."""
        flat = templates[:, : templates.shape[1] - self.memory_values]
        rows: Tensor = flat.unflatten(1, (self.channels * len(self.branches()), -1))
        side = math.isqrt(int(rows.shape[2]))
        kernels: Tensor = rows.unflatten(2, (side, side))
        return kernels

    def search(self, templates: Tensor, patches: Tensor, prior: Tensor) -> SearchOutput:
        """See tracking.network.Network."""
        skips = self.backbone(patches)
        search = self.neck(skips[3])  # (N, C, 31, 31)
        searched = tuple(branch.search(search) for branch in self.branches())
        return self.answer(templates, search, searched, skips, prior)

    def answer(
        self,
        templates: Tensor,
        search: Tensor,
        searched: tuple[Tensor, ...],
        skips: tuple[Tensor, Tensor, Tensor, Tensor],
        prior: Tensor,
    ) -> SearchOutput:
        """What follows from the neck's features and what each branch made of them, (N, C, 29, 29)."""
        kernels = self.kernels_of(templates)
        score, box, *mask = zip(searched, kernels.split(self.channels, dim=1), strict=True)
        scores = self.score.head(self.correlation(*score, 0)).float()  # (N, 2A, S, S)
        deltas = self.box.head(self.correlation(*box, 0)).float()  # (N, 4A, S, S)
        masks: Any = None
        if self.mask_source == "roi":
            padded = self.correlation(*mask[0], GRID_PADDING)  # (N, C, 31, 31)
            masks = self.region_inputs(padded, search, skips, prior, self._rows(templates))
        elif mask:
            correlation = self.correlation(*mask[0], 0)  # (N, C, 25, 25)
            masks = (correlation, *skips[:3]) if self.config.variant == "siammask_sharp" else (correlation,)
        return SearchOutput(scores.unflatten(1, (2, -1)), deltas.unflatten(1, (4, -1)), masks)

    def _rows(self, templates: Tensor) -> Tensor | None:
        if self.memory is None:
            return None
        rows: Tensor = templates[:, -self.memory_values :].unflatten(1, (ROWS, -1))
        return rows

    def region_inputs(
        self,
        correlation: Tensor,
        search: Tensor,
        skips: tuple[Tensor, Tensor, Tensor, Tensor],
        prior: Tensor | None,
        rows: Tensor | None,
    ) -> RegionInputs:
        """What the second stage reads, of the padded mask correlation (N, C, 31, 31), the search features
        (N, C, 31, 31), the backbone's maps, the prior and the memory's rows.
        """
        maps = {"search": (search,), "correlation": (correlation,), "both": (correlation, search)}
        return self.region_masks.inputs(maps[self.config.head_input], skips, prior, rows)

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
