"""What a step of each training computes: from a batch to losses."""

from dataclasses import dataclass, field
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2iammask_core.data.augment import Batch
from s2iammask_core.model.correlation import CorrelationHead
from s2iammask_core.model.network import BASE_MASK_PIXELS, SiameseNetwork
from s2iammask_core.model.refine import all_windows
from s2iammask_core.training import losses
from s2iammask_core.training.settings import TrainConfig
from s2iammask_core.training.targets import choose_regions, label_anchors, mask_windows, positive_anchors


@dataclass(frozen=True, slots=True)
class Outcome:
    """The loss to minimise, and what the log shows; all 0-dimensional tensors."""

    loss: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)


class Objective(nn.Module):
    """Wraps a network so that one forward pass gives the losses of its training."""

    def __init__(self, network: SiameseNetwork, config: TrainConfig) -> None:
        super().__init__()
        self.network = network
        self.config = config
        self._step = {
            "proposals": self._proposals,
            "base": self._base,
            "sharp": self._sharp,
            "regions": self._regions,
        }[config.objective]

    def forward(self, batch: Batch) -> Outcome:
        return self._step(batch)

    def _proposals(self, batch: Batch) -> Outcome:
        """SiamRPN: scores and boxes."""
        search, kernels = self._features(batch)
        return self._first_stage(batch, search, kernels)

    def _first_stage(self, batch: Batch, search: Tensor, kernels: tuple[Tensor, ...]) -> Outcome:
        network, weights = self.network, self.config.losses
        scores = network.score.head(network.score.correlate(kernels[0], search)).float().unflatten(1, (2, -1))
        deltas = network.box.head(network.box.correlate(kernels[1], search)).float().unflatten(1, (4, -1))
        labels = label_anchors(batch, scores, self.config.anchors)
        score, box = losses.score_loss(scores, labels), losses.box_loss(deltas, labels)
        return Outcome(
            weights.score * score + weights.box * box, {"score": score.detach(), "box": box.detach()}
        )

    def _base(self, batch: Batch) -> Outcome:
        """SiamMask-base: the first stage and a 63 x 63 mask at each positive cell."""
        search, kernels = self._features(batch)
        first = self._first_stage(batch, search, kernels)
        correlation = self.network.mask.correlate(kernels[2], search)
        cells = correlation.shape[-1]
        positive = positive_anchors(batch, cells, self.config.anchors)
        chosen = positive.unflatten(1, (-1, cells, cells)).any(dim=1)  # (N, S, S)
        chosen = chosen & batch.has_mask[:, None, None]
        sample, rows, columns = chosen.nonzero(as_tuple=True)
        head = cast(CorrelationHead, self.network.mask.head)
        vectors = head.hidden(correlation)[sample, :, rows, columns]  # (M, 256)
        side = (BASE_MASK_PIXELS, BASE_MASK_PIXELS)
        logits = head[-1](vectors[:, :, None, None]).float().reshape(-1, 1, *side)
        logits = F.interpolate(logits, size=127, mode="bilinear", align_corners=True)[:, 0]
        windows = mask_windows(batch.mask, sample, rows, columns, offset=-32)
        return self._with_mask(first, logits, windows)

    def _sharp(self, batch: Batch) -> Outcome:
        """SiamMask-sharp: refined masks at the positive cells of the 3 x 3 map of a 143 search patch."""
        f0, f1, f2, f3 = self.network.backbone(batch.search)
        search = self.network.neck(f3)  # (N, 256, 9, 9)
        kernels = self.network.template(batch.template).split(self.network.channels, dim=1)
        correlation = self.network.mask.correlate(kernels[2], search)  # (N, 256, 3, 3)
        cells = correlation.shape[-1]
        positive = positive_anchors(batch, cells, self.config.anchors)
        chosen = positive.unflatten(1, (-1, cells, cells)).any(dim=1)
        chosen = chosen & batch.has_mask[:, None, None]
        picked = chosen.flatten().nonzero()[:, 0]
        vectors = correlation.permute(0, 2, 3, 1).flatten(0, 2)[picked]
        skips = (all_windows(f0, 0)[picked], all_windows(f1, 1)[picked], all_windows(f2, 2)[picked])
        logits = self.network.refine(vectors, skips).float()
        sample, rows, columns = chosen.nonzero(as_tuple=True)
        nothing = Outcome(logits.sum() * 0)
        return self._with_mask(nothing, logits, mask_windows(batch.mask, sample, rows, columns, offset=0))

    def _with_mask(self, first: Outcome, logits: Tensor, windows: Tensor) -> Outcome:
        mask = losses.mask_loss(logits, windows)
        seen = torch.ones(len(logits), device=logits.device)
        iou = losses.mask_iou(torch.where(windows == 0, -1, logits), windows > 0, seen)
        parts = {**first.parts, "mask": mask.detach(), "mask_iou": iou.detach()}
        return Outcome(first.loss + self.config.losses.mask * mask, parts)

    def _regions(self, batch: Batch) -> Outcome:
        """S2iamMask's second stage: masks of the first stage's own proposals; that stage is frozen."""
        network = self.network
        with torch.no_grad():
            f0, f1, f2, f3 = network.backbone(batch.search)
            search = network.neck(f3)
            template = network.neck(network.backbone(batch.template)[-1])
            scores = network.score.head(network.score.correlate(network.score.template(template), search))
            deltas = network.box.head(network.box.correlate(network.box.template(template), search))
            scores, deltas = scores.unflatten(1, (2, -1)), deltas.unflatten(1, (4, -1))
        regions = choose_regions(batch, scores, deltas, self.config.regions, network.region_masks.pixels)
        inputs = network.region_inputs(network.mask.template(template), search, (f0, f1, f2))
        logits = network.region_masks(inputs, regions.rois).float()
        shown = (logits, regions.masks, regions.weights)
        mask, overlap, iou = losses.region_loss(*shown), losses.overlap_loss(*shown), losses.mask_iou(*shown)
        used = regions.weights.sum() / len(regions.weights)
        parts = {"mask": mask.detach(), "mask_iou": iou.detach(), "regions": used.detach()}
        wanted = self.config.losses
        return Outcome(wanted.mask * mask + wanted.overlap * overlap, parts)

    def _features(self, batch: Batch) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Neck features of the search patches and the kernels of all branches."""
        search = self.network.neck(self.network.backbone(batch.search)[-1])
        return search, self.network.template(batch.template).split(self.network.channels, dim=1)
