"""The original SiamMask step, number for number: whole-pixel windows, and the mask of one score cell.

The rounded windows and the (W - 1) / W in the way back are approximations of the original (Wang et al. 2019).
They are kept here, and only here, so that published weights give published results.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2iammask_core.anchors import AnchorShape
from s2iammask_core.boxes import Box, Points
from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Frame, HostFrame
from s2iammask_core.tracking.aim import Aim
from s2iammask_core.tracking.arrays import host_floats
from s2iammask_core.tracking.frames import on_host
from s2iammask_core.tracking.method import Scene
from s2iammask_core.tracking.network import SearchOutput, WithNetwork
from s2iammask_core.tracking.proposals import Proposals, propose
from s2iammask_core.tracking.regions import NO_MASK, outline
from s2iammask_core.tracking.settings import StepSettings
from s2iammask_core.tracking.start import Start
from s2iammask_core.tracking.target import Sighting, Target
from s2iammask_core.tracking.track import MaskRegion
from s2iammask_core.tracking.windows import aim_at, template_sides

OUTSIDE = -1.0  # of the mask map where the window does not reach


class SiamMaskMethod(WithNetwork):
    """Looks for all targets at once; the windows are cut and the masks are warped on the host."""

    def place(self, start: Start, frame_size: tuple[int, int]) -> Box:
        """The whole box; of a polygon, its upright box shrunk to the polygon's own area."""
        return start.box if start.corners is None else shrunk_box(start.corners)

    @torch.inference_mode()
    def templates(self, frame: Frame, targets: tuple[Target, ...], config: TrackerConfig) -> Tensor:
        """Kernels (N, ...) of the targets as the frame shows them."""
        sides = [round(side) for side in template_sides(targets, config).tolist()]
        patches = self._patches(on_host(frame), targets, sides, config.template_pixels)
        return self._network.template(patches, torch.zeros_like(patches[:, 0]))

    def begin(
        self, frame: Frame, targets: tuple[Target, ...], _starts: Sequence[Start], config: TrackerConfig
    ) -> tuple[tuple[Target, ...], Tensor]:
        """The targets as they are, and their kernels."""
        return targets, self.templates(frame, targets, config)

    @torch.inference_mode()
    def look(self, scenes: Sequence[Scene], config: TrackerConfig) -> list[list[Sighting]]:
        """One sighting for each target; the scenes one after another, as in the original."""
        return [self._look(scene, config) for scene in scenes]

    def _look(self, scene: Scene, config: TrackerConfig) -> list[Sighting]:
        frame, targets, kernels = scene.frame, scene.targets, scene.kernels
        everywhere = np.ones(len(targets))
        aim = replace(
            aim_at(targets, config), window=everywhere * config.window_influence, temporal=everywhere * 0
        )
        sides = [round(side) for side in aim.crop.sides.tolist()]
        patches = self._patches(on_host(frame), targets, sides, config.search_pixels)
        there = Aim.unpacked(torch.from_numpy(aim.packed()).to(kernels.device), config.search_pixels)
        output = self._network.search(kernels, patches, there.prior)
        best_only = replace(StepSettings.of(config), proposals=1, proposal_nms=1.0)
        proposals = propose(output, there, best_only)
        boxes = aim.crop.to_frame(host_floats(proposals.boxes[:, 0])).tolist()
        masks = [
            warped_mask(map_, origin, reach, scene.size, config.mask_threshold)
            for map_, origin, reach in self._maps(output, proposals, targets, sides, config)
        ] or [NO_MASK] * len(targets)
        figures = zip(boxes, proposals.score.tolist(), proposals.rate.tolist(), masks, strict=True)
        return [
            Sighting(score, 1.0, Box(*box), rate, mask, outline(mask, config.min_mask_area, margin=0.0))
            for box, score, rate, mask in figures
        ]

    def _patches(
        self, frame: HostFrame, targets: tuple[Target, ...], sides: list[int], pixels: int
    ) -> Tensor:
        cut = [
            whole_pixel_patch(frame, target, side, pixels)
            for target, side in zip(targets, sides, strict=True)
        ]
        return torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2).float().to(self._network.device)

    def _maps(
        self,
        output: SearchOutput,
        proposals: Proposals,
        targets: tuple[Target, ...],
        sides: list[int],
        config: TrackerConfig,
    ) -> Iterator[tuple[NDArray[np.float32], tuple[float, float], float]]:
        """For each target the mask (M, M), its top left corner and side in the frame; none without masks."""
        if self._network.mask_source != "cell":
            return
        cells, stride = output.scores.shape[-1], AnchorShape().stride
        chosen = proposals.best % cells**2
        maps = self._network.cell_masks(output, chosen).sigmoid().float().cpu().numpy()
        shift = (cells - (config.search_pixels - config.template_pixels) // stride - 1) / 2
        for map_, cell, target, side in zip(maps, chosen.tolist(), targets, sides, strict=True):
            step = side / config.search_pixels
            x = target.cx - side / 2 + (cell % cells - shift) * stride * step
            y = target.cy - side / 2 + (cell // cells - shift) * stride * step
            yield map_, (x, y), config.template_pixels * step


def whole_pixel_patch(frame: HostFrame, target: Target, side: int, pixels: int) -> HostFrame:
    """The patch (pixels, pixels, 3) of side x side whole pixels of the frame around a target."""
    height, width, _ = frame.shape
    x, y = round(target.cx - (side + 1) / 2), round(target.cy - (side + 1) / 2)
    window = np.empty((side, side, 3), np.uint8)
    window[:] = np.array(target.border).astype(np.uint8)
    left, right = min(max(x, 0), width), max(min(x + side, width), 0)
    top, bottom = min(max(y, 0), height), max(min(y + side, height), 0)
    if right > left and bottom > top:
        window[top - y : bottom - y, left - x : right - x] = frame[top:bottom, left:right]
    return window if side == pixels else _as_bytes(cv2.resize(window, (pixels, pixels)))


def _as_bytes(image: NDArray[Any]) -> HostFrame:
    return image.astype(np.uint8, copy=False)


def warped_mask(
    map_: NDArray[np.float32],
    origin: tuple[float, float],
    side: float,
    frame_size: tuple[int, int],
    threshold: float,
) -> MaskRegion:
    """The mask in the frame (H, W) of a map (M, M) that covers side x side pixels from origin on."""
    height, width = frame_size
    x_shrink, y_shrink = (width - 1) / width, (height - 1) / height
    step = side / len(map_)
    matrix = np.array(
        [[x_shrink * step, 0.0, x_shrink * origin[0]], [0.0, y_shrink * step, y_shrink * origin[1]]]
    )
    full = np.full((height, width), OUTSIDE, np.float32)
    cv2.warpAffine(map_, matrix, (width, height), full, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT, OUTSIDE)
    x, y, columns, rows = cv2.boundingRect((full > OUTSIDE).view(np.uint8))
    part = full[y : y + rows, x : x + columns]
    return MaskRegion(x, y, part > threshold, part.clip(0, 1))


def shrunk_box(corners: Points) -> Box:
    """The start box of a polygon in the original's VOT runs: the upright box, shrunk to its area."""
    around = Box.around(corners)
    edges = np.linalg.norm(np.diff(corners[:3], axis=0), axis=1)
    share = math.sqrt(float(edges.prod()) / around.area)
    cx, cy = corners.mean(axis=0).tolist()
    return Box.from_center(cx, cy, share * around.width + 1, share * around.height + 1)
