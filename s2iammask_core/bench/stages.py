"""The time of each stage of a step, measured one by one on the same inputs.

The stages run eagerly whatever the runtime is: a captured or compiled step has no seams. On a GPU each of
them is waited for, so that they add up to more than the step.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from s2iammask_core import sampling
from s2iammask_core.bench.device import timed
from s2iammask_core.bench.timing import Clock, Stage
from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import HostFrame
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.tracking.aim import Aim
from s2iammask_core.tracking.answer import unpacked
from s2iammask_core.tracking.eager import EagerRunner
from s2iammask_core.tracking.frame_store import FrameStore
from s2iammask_core.tracking.proposals import propose
from s2iammask_core.tracking.regions import mask_region, outline
from s2iammask_core.tracking.runner import Search
from s2iammask_core.tracking.s2iammask import S2iamMaskMethod
from s2iammask_core.tracking.settings import StepSettings
from s2iammask_core.tracking.sharing import shared_regions
from s2iammask_core.tracking.step import packed, step
from s2iammask_core.tracking.target import Target
from s2iammask_core.tracking.voting import regions, solid, vote
from s2iammask_core.tracking.windows import aim_at


class StagedStep:
    """One step taken apart."""

    def __init__(
        self, network: PreparedNetwork, config: TrackerConfig, frame: HostFrame, targets: tuple[Target, ...]
    ) -> None:
        self._network, self._config, self._frame = network, config, frame
        self._settings = StepSettings.of(config)
        self._on_gpu = network.device.type == "cuda"
        self._runner = EagerRunner(network)
        self._kernels = S2iamMaskMethod(self._runner).templates(frame, targets, config)
        self._aim = aim_at(targets, config)
        self._packed_aim = torch.from_numpy(self._aim.packed()).to(network.device)
        self._there = Aim.unpacked(self._packed_aim, config.search_pixels)
        self._patches = self._cut()
        self._output = network.search(self._kernels, self._patches, self._there.prior)
        self._proposals = propose(self._output, self._there, self._settings)

    def stages(self, repeats: int, clock: Clock) -> tuple[Stage, ...]:
        """All stages in the order of a step; those that this network or device lacks are left out."""
        self._repeats, self._clock = repeats, clock
        network = self._network
        prepared = self._patches.to(network.dtype).contiguous(memory_format=torch.channels_last)
        parts = self._upload()
        parts["crop"] = self._time(self._cut)
        parts["backbone"] = self._time(lambda: network.module.backbone(prepared))
        search = self._time(lambda: network.search(self._kernels, self._patches, self._there.prior))
        parts["heads"] = max(search - parts["backbone"], 0.0)
        parts["rank"] = self._time(lambda: propose(self._output, self._there, self._settings))
        parts |= self._masks() | self._end()
        return tuple(Stage(name, ms) for name, ms in parts.items())

    def _time(self, call: Callable[[], object]) -> float:
        return timed(call, self._repeats, self._network.device, self._clock).p50

    def _cut(self) -> Tensor:
        return self._runner.patches([Search(self._frame, self._kernels, self._aim)])

    def _upload(self) -> dict[str, float]:
        if not self._on_gpu:
            return {}
        store = FrameStore(self._network.device)
        return {"upload": self._time(lambda: store.load([(self._frame, self._aim.crop)]))}

    def _masks(self) -> dict[str, float]:
        network, settings = self._network, self._settings
        if network.mask_source == "none":
            return {}
        if network.mask_source == "cell":
            cells = self._proposals.best % self._output.scores.shape[-1] ** 2
            return {"stage 2": self._time(lambda: network.cell_masks(self._output, cells))}
        rois = regions(self._proposals.boxes, settings, settings.search_pixels)
        rois, votes = shared_regions(rois, self._proposals.kept & solid(rois), settings.mask_regions)
        masks = network.roi_masks(self._output, rois).sigmoid()
        pasting = self._time(lambda: sampling.paste(masks, rois, settings.search_pixels))
        both = self._time(lambda: vote(masks, rois, votes, self._patches, settings))
        head = self._time(lambda: network.roi_masks(self._output, rois))
        return {"stage 2": head, "vote": max(both - pasting, 0.0), "paste": pasting}

    def _end(self) -> dict[str, float]:
        found = packed(step(self._network, self._settings, self._patches, self._kernels, self._packed_aim))
        host = found.cpu().numpy()
        return {
            "copy back": self._time(found.cpu),
            "contours": self._time(lambda: self._contours(host)),
        }

    def _contours(self, packed: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> None:
        size, crop = (self._frame.shape[0], self._frame.shape[1]), self._aim.crop
        for answer, (x0, y0), side in zip(
            unpacked(packed), crop.origins.tolist(), crop.sides.tolist(), strict=True
        ):
            if answer.levels.size:
                window, threshold = (x0, y0, side), 0.5 * answer.voters
                region = mask_region(answer.levels, answer.voters, threshold, window, size)
                outline(region, self._config.min_mask_area)
