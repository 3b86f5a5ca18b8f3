"""A runner that executes a step operation by operation."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2iammask_core import geometry, sampling
from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Crop, Frame, HostArray
from s2iammask_core.tracking.answer import Answer, unpacked
from s2iammask_core.tracking.arrays import joined
from s2iammask_core.tracking.frame_store import FrameStore
from s2iammask_core.tracking.frames import on_host
from s2iammask_core.tracking.network import Network, WithNetwork
from s2iammask_core.tracking.runner import Search
from s2iammask_core.tracking.settings import StepSettings
from s2iammask_core.tracking.step import as_input, packed, step


class EagerRunner(WithNetwork):
    """Cuts on the host, by OpenCV and in double precision, for a CPU network, else on the device."""

    def __init__(self, network: Network, store: FrameStore | None = None) -> None:
        super().__init__(network)
        self._store = store or FrameStore(network.device)

    @torch.inference_mode()
    def templates(
        self, frame: Frame, crop: Crop[HostArray], border: HostArray, masks: NDArray[np.float32]
    ) -> Tensor:
        there = torch.from_numpy(masks).to(self._network.device)
        return self._network.template(self._cut(frame, crop, border), there)

    @torch.inference_mode()
    def first_masks(
        self,
        frame: Frame,
        crop: Crop[HostArray],
        border: HostArray,
        boxes: NDArray[np.float32],
        *,
        mirrored: bool,
    ) -> NDArray[np.float32]:
        there = torch.from_numpy(boxes).to(self._network.device)
        patches = self._cut(frame, crop, border)
        found = self._network.first_mask(patches, there)
        if mirrored:
            other = self._network.first_mask(patches.flip(-1), there.flip(-1)).flip(-1)
            found = (found + other) / 2
        return found.cpu().numpy()

    @torch.inference_mode()
    def run(self, config: TrackerConfig, searches: Sequence[Search]) -> list[Answer]:
        kernels: Tensor = joined([search.kernels for search in searches])
        aim = torch.from_numpy(packed_aims(searches)).to(kernels.device)
        output = step(self._network, StepSettings.of(config), self.patches(searches), kernels, aim)
        return unpacked(packed(output).cpu().numpy())

    def patches(self, searches: Sequence[Search]) -> Tensor:
        """The windows' patches (N, 3, P, P), each cut from its own frame, on the network's device."""
        return joined([self._cut(each.frame, each.aim.crop, each.aim.border) for each in searches])

    def _cut(self, frame: Frame, crop: Crop[HostArray], border: HostArray) -> Tensor:
        device = self._network.device
        if device.type == "cpu":
            return as_input(torch.from_numpy(geometry.cut(on_host(frame), crop, border)))
        frames = self._store.load([(frame, crop)])
        windows = np.concatenate([frames, crop.centers, crop.sides[:, None], border], axis=1)
        there = torch.from_numpy(windows).to(device)
        where = Crop(there[:, 3:5].float(), there[:, 5].float(), crop.pixels)
        return sampling.cut(self._store.pixels, there[:, :3].long(), where, there[:, 6:])


def packed_aims(searches: Sequence[Search]) -> NDArray[np.float32]:
    """(N, aim.COLUMNS): where all searches look, in order."""
    return joined([search.aim.packed() for search in searches])
