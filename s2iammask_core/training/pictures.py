"""Pictures of a batch: what the network was shown, what it should have said, and what it says."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torchvision.utils import draw_bounding_boxes, draw_segmentation_masks

from s2iammask_core.anchors import AnchorShape, anchor_grid, cell_windows, decode
from s2iammask_core.box_ops import to_corners
from s2iammask_core.data.augment import Batch
from s2iammask_core.model.network import SiameseNetwork
from s2iammask_core.model.refine import WINDOWS, window_at
from s2iammask_core.sampling import paste
from s2iammask_core.tracking.network import SearchOutput
from s2iammask_core.training.settings import TrainConfig
from s2iammask_core.training.targets import enlarge, in_boxes

SHOWN = 4  # pairs
TRUE, FOUND = (60, 220, 60), (255, 60, 60)  # RGB
OPACITY = 0.45  # of a mask
WINDOW = 127  # side of what a score cell's mask covers, patch pixels


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a network says of N pairs; P is the side of the search patches."""

    boxes: Tensor  # (N, 4) x1 y1 x2 y2, search patch pixels: the most probable of each
    scores: Tensor  # (N, P, P) probability of the best anchor around each pixel, in [0, 1]
    masks: Tensor  # (N, P, P) probability of the object, in [0, 1]; 0 where the network says nothing


def pictures(network: SiameseNetwork, batch: Batch, config: TrainConfig) -> dict[str, Tensor]:
    """Pictures (N, 3, H, W) uint8 of the first pairs of a batch, by what they show.

    The network is left as it was, and no random number is drawn.
    """
    some = Batch(*(getattr(batch, each.name)[:SHOWN] for each in fields(Batch)))
    found = predict(network, some, config)
    search = _bytes(some.search)
    heat = torch.stack([found.scores * 255, *[torch.zeros_like(found.scores)] * 2], dim=1)
    shown = some.positive & some.has_mask
    return {
        "template": _bytes(some.template),
        "search": search,
        "label": _drawn(search, some.box, some.mask & shown[:, None, None], some.positive, TRUE),
        "prediction": _drawn(search, found.boxes, found.masks > 0.5, torch.ones_like(some.positive), FOUND),
        "score": _bytes(some.search * 0.4 + heat * 0.6),
    }


@torch.no_grad()
def predict(network: SiameseNetwork, batch: Batch, config: TrainConfig) -> Prediction:
    """The most probable box of each pair, the score map, and the mask that the objective trains."""
    with _evaluating(network):
        templates = network.template(batch.template, batch.template_mask)
        output = network.search(templates, batch.search, batch.prior)
        side, cells = batch.search.shape[-1], output.scores.shape[-1]
        chance = output.scores.softmax(dim=1)[:, 1]  # (N, A, S, S)
        best = chance.flatten(1).argmax(dim=1)  # (N,)
        deltas = output.deltas.flatten(2).take_along_dim(best[:, None, None], dim=2)[..., 0]  # (N, 4)
        anchors = anchor_grid(cells).to(deltas.device)[best]
        boxes = (to_corners(decode(deltas, anchors)) + side / 2).nan_to_num(0.0).clamp(0, side)
        masks = torch.zeros_like(batch.search[:, 0])
        if config.objective in ("regions", "joint"):
            regions = enlarge(boxes, config.regions.scale, side)
            masks = _pasted(network.roi_masks(output, regions[:, None])[:, 0].sigmoid(), regions, side)
        elif config.objective == "first_mask":
            masks = network.first_mask(batch.search, in_boxes(batch, config.augment.guided)[1])
        elif config.objective != "proposals":
            cell = best % cells**2
            windows = cell_windows(cell, cells, side, WINDOW)
            masks = _pasted(_cell_masks(network, output, cell).sigmoid(), windows, side)
    reach = AnchorShape().stride * cells / 2
    middle = boxes.new_tensor([[side / 2 - reach] * 2 + [side / 2 + reach] * 2]).expand(len(boxes), -1)
    return Prediction(boxes, _pasted(chance.amax(dim=1), middle, side), masks)


def _pasted(values: Tensor, boxes: Tensor, side: int) -> Tensor:
    """(N, side, side): values (N, M, M), stretched over boxes (N, 4) of the patch; 0 around them."""
    return paste(values[:, None], boxes[:, None], side)[:, 0]


def _cell_masks(network: SiameseNetwork, output: SearchOutput, cell: Tensor) -> Tensor:
    """Mask logits (N, M, M) of one score cell of each pair.

    In the small patches that SiamMask-sharp is trained on, the windows of all cells lie inside the patch.
    """
    correlation, *skips = output.features
    cells, (reach, _, _) = correlation.shape[-1], WINDOWS[-1]
    if not skips or skips[-1].shape[-1] - reach + 1 != cells:
        return network.cell_masks(output, cell)
    rows, columns = cell // cells, cell % cells
    vectors = correlation[torch.arange(len(cell), device=cell.device), :, rows, columns]
    windows = tuple(window_at(skip, rows, columns, level, padded=False) for level, skip in enumerate(skips))
    logits: Tensor = network.refine(vectors, windows)
    return logits


@contextlib.contextmanager
def _evaluating(network: SiameseNetwork) -> Iterator[None]:
    """Evaluation mode; at the end each module is again in the mode that it was in."""
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _bytes(images: Tensor) -> Tensor:
    return images.detach().clamp(0, 255).to("cpu", torch.uint8)


def _drawn(
    images: Tensor, boxes: Tensor, masks: Tensor, boxed: Tensor, colour: tuple[int, int, int]
) -> Tensor:
    """Copies of images (N, 3, P, P) with masks (N, P, P), and boxes (N, 4) where `boxed` (N,) is true."""
    made = []
    for image, box, mask, with_box in zip(images, boxes.cpu(), masks.cpu(), boxed.tolist(), strict=True):
        picture = draw_segmentation_masks(image, mask, OPACITY, colors=colour)
        made.append(draw_bounding_boxes(picture, box[None], colors=colour, width=2) if with_box else picture)
    return torch.stack(made)
