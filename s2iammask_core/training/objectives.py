"""What a step of each training computes: from a batch to losses."""

from dataclasses import dataclass, field
from typing import TypeAlias, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2iammask_core.data.augment import Batch
from s2iammask_core.model.correlation import CorrelationHead
from s2iammask_core.model.first_masks import FirstMasks
from s2iammask_core.model.network import BASE_MASK_PIXELS, GRID_PADDING, SiameseNetwork
from s2iammask_core.model.refine import all_windows
from s2iammask_core.training import losses
from s2iammask_core.training.settings import TrainConfig
from s2iammask_core.training.targets import (
    Regions,
    choose_regions,
    in_boxes,
    label_anchors,
    mask_windows,
    positive_anchors,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The loss to minimise, and what the log shows; all 0-dimensional tensors."""

    loss: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)


Maps: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class _Seen:
    """Features of a batch, for both stages."""

    search: Tensor  # (N, C, 31, 31), of the neck
    template: Tensor  # (N, C, 7, 7), of the neck
    skips: Maps  # the backbone's
    template_skips: Maps


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
            "joint": self._joint,
            "first_mask": self._first_mask,
        }[config.objective]

    def forward(self, batch: Batch) -> Outcome:
        return self._step(batch)

    def _proposals(self, batch: Batch) -> Outcome:
        """SiamRPN: scores and boxes."""
        return self._proposal_loss(batch, *self._proposals_of(self._seen(batch)))

    def _proposals_of(self, seen: _Seen) -> tuple[Tensor, Tensor]:
        """Scores (N, 2, A, S, S) and deltas (N, 4, A, S, S)."""
        score, box = self.network.score, self.network.box
        scores = score.head(score.correlate(score.template(seen.template), seen.search)).float()
        deltas = box.head(box.correlate(box.template(seen.template), seen.search)).float()
        return scores.unflatten(1, (2, -1)), deltas.unflatten(1, (4, -1))

    def _proposal_loss(self, batch: Batch, scores: Tensor, deltas: Tensor) -> Outcome:
        weights = self.config.losses
        labels = label_anchors(batch, scores, self.config.anchors)
        score, box = losses.score_loss(scores, labels), losses.box_loss(deltas, labels)
        return Outcome(
            weights.score * score + weights.box * box, {"score": score.detach(), "box": box.detach()}
        )

    def _base(self, batch: Batch) -> Outcome:
        """SiamMask-base: the first stage and a 63 x 63 mask at each positive cell."""
        seen, mask = self._seen(batch), self.network.mask
        first = self._proposal_loss(batch, *self._proposals_of(seen))
        correlation = mask.correlate(mask.template(seen.template), seen.search)
        cells = correlation.shape[-1]
        positive = positive_anchors(batch, cells, self.config.anchors)
        chosen = positive.unflatten(1, (-1, cells, cells)).any(dim=1)  # (N, S, S)
        chosen = chosen & batch.has_mask[:, None, None]
        sample, rows, columns = chosen.nonzero(as_tuple=True)
        head = cast(CorrelationHead, mask.head)
        vectors = head.hidden(correlation)[sample, :, rows, columns]  # (M, 256)
        side = (BASE_MASK_PIXELS, BASE_MASK_PIXELS)
        logits = head[-1](vectors[:, :, None, None]).float().reshape(-1, 1, *side)
        logits = F.interpolate(logits, size=127, mode="bilinear", align_corners=True)[:, 0]
        windows = mask_windows(batch, sample, rows, columns, cells)
        return self._with_mask(first, logits, windows)

    def _sharp(self, batch: Batch) -> Outcome:
        """SiamMask-sharp: refined masks at the positive cells of the 3 x 3 map of a 143 search patch."""
        f0, f1, f2, f3 = self.network.backbone(batch.search)
        search = self.network.neck(f3)  # (N, 256, 9, 9)
        template = self.network.neck(self.network.backbone(batch.template)[-1])
        mask = self.network.mask
        correlation = mask.correlate(mask.template(template), search)  # (N, 256, 3, 3)
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
        return self._with_mask(nothing, logits, mask_windows(batch, sample, rows, columns, cells))

    def _with_mask(self, first: Outcome, logits: Tensor, windows: Tensor) -> Outcome:
        mask = losses.mask_loss(logits, windows)
        seen = torch.ones(len(logits), device=logits.device)
        iou = losses.mask_iou(torch.where(windows == 0, -1, logits), windows > 0, seen)
        parts = {**first.parts, "mask": mask.detach(), "mask_iou": iou.detach()}
        return Outcome(first.loss + self.config.losses.mask * mask, parts)

    def _regions(self, batch: Batch) -> Outcome:
        """S2iamMask's second stage: masks of the first stage's own proposals; that stage is frozen."""
        with torch.no_grad():
            seen = self._seen(batch)
            scores, deltas = self._proposals_of(seen)
        return self._region_loss(batch, seen, scores, deltas)

    def _joint(self, batch: Batch) -> Outcome:
        """Both stages at once, so that what they share learns from the masks too. A third pass of ours after
        the method's two: see ARCHITECTURE.md.
        """
        seen = self._seen(batch)
        scores, deltas = self._proposals_of(seen)
        first = self._proposal_loss(batch, scores, deltas)
        second = self._region_loss(batch, seen, scores.detach(), deltas.detach())
        return Outcome(first.loss + second.loss, first.parts | second.parts)

    def _region_loss(self, batch: Batch, seen: _Seen, scores: Tensor, deltas: Tensor) -> Outcome:
        network = self.network
        regions = choose_regions(batch, scores, deltas, self.config.regions, network.region_masks.pixels)
        kernels = network.mask.template(seen.template)  # has a gradient where the features have none
        correlation = network.mask.correlate(kernels, seen.search, GRID_PADDING)
        rows = None
        if network.memory is not None:
            _, early, _, deep = seen.template_skips
            rows = network.memory.remember(early, deep, batch.template_mask)
        inputs = network.region_inputs(correlation, seen.search, seen.skips, batch.prior, rows)
        return self._mask_loss(network.region_masks(inputs, regions.rois).float(), regions)

    def _mask_loss(self, logits: Tensor, regions: Regions) -> Outcome:
        wanted = self.config.losses
        mask, overlap = losses.region_loss(logits, regions), losses.overlap_loss(logits, regions)
        used = regions.weights.sum() / len(regions.weights)
        iou = losses.region_iou(logits.detach(), regions)
        parts = {"mask": mask.detach(), "mask_iou": iou, "regions": used.detach()}
        return Outcome(wanted.mask * mask + wanted.overlap * overlap, parts)

    def _first_mask(self, batch: Batch) -> Outcome:
        """The mask of an object in its box, as the first frame asks for it."""
        regions, boxes = in_boxes(batch, self.config.augment.guided)
        logits = cast(FirstMasks, self.network.first_masks).logits(batch.search, boxes).float()[:, None]
        return self._mask_loss(logits, regions)

    def _seen(self, batch: Batch) -> _Seen:
        network = self.network
        skips, template_skips = network.backbone(batch.search), network.backbone(batch.template)
        return _Seen(network.neck(skips[3]), network.neck(template_skips[3]), skips, template_skips)
