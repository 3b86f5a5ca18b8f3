"""The pixels that a step reads, on its device: of each frame the rows that windows reach, in one store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from s2iammask_core.geometry import Crop, Frame, HostArray

LEAST = 2**23  # pixels: a frame of 3840 x 2160, or four of 1920 x 1080
MARGIN = 2  # rows: of a window's own interpolation, and of coordinates that are rounded on the device

View: TypeAlias = tuple[Frame, Crop[HostArray]]  # a frame, and the windows that are cut from it


@dataclass(frozen=True, slots=True)
class Rows:
    """Part of a frame."""

    top: int
    bottom: int  # the first that is not there

    @classmethod
    def reached(cls, crop: Crop[HostArray], height: int) -> "Rows":
        """Those of a frame of so many rows that windows reach; at least one."""
        middles, halves = crop.centers[:, 1], crop.sides / 2 + MARGIN
        top = int(np.clip((middles - halves).min(), 0, height - 1))
        return cls(top, int(np.clip(np.ceil((middles + halves).max()), top + 1, height)))


class FrameStore:
    """Memory for frames on a device, and pinned memory on the host from which they are sent.

    It keeps its place until larger frames come, so that captured steps may read it.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._on_gpu = device, device.type == "cuda"
        self.pixels = torch.empty(0, 3, dtype=torch.uint8, device=device)
        self._staged = torch.empty(0, 3, dtype=torch.uint8)
        self._sent = torch.cuda.Event() if self._on_gpu else None

    def reserve(self, views: Sequence[View]) -> None:
        """Makes room for whole frames, however little of them is read now."""
        wanted = sum(int(frame.shape[0]) * int(frame.shape[1]) for frame, _ in views)
        if wanted > len(self.pixels):
            room = max(LEAST, 1 << (wanted - 1).bit_length())
            self.pixels = torch.empty(room, 3, dtype=torch.uint8, device=self._device)
            self._staged = torch.empty(room, 3, dtype=torch.uint8, pin_memory=self._on_gpu)

    def load(self, views: Sequence[View]) -> NDArray[np.int64]:
        """Sends what the windows of all views reach; what was loaded before is gone. Does not wait.

        Returns the frame of each window as `sampling.cut` takes it, (N, 3).
        """
        self.reserve(views)
        if self._sent is not None:
            self._sent.synchronize()  # or what was staged last might still be on its way
        begin, frames = 0, []
        for frame, crop in views:
            height, width, _ = frame.shape
            rows = Rows.reached(crop, height)
            end = begin + (rows.bottom - rows.top) * width
            self._send(frame[rows.top : rows.bottom], begin, end)
            frames += [(begin - rows.top * width, height, width)] * len(crop.sides)
            begin = end
        if self._sent is not None:
            self._sent.record(torch.cuda.current_stream(self._device))
        return np.array(frames, np.int64)

    def _send(self, rows: Frame, begin: int, end: int) -> None:
        """Puts rows into a part of the store."""
        if isinstance(rows, np.ndarray):
            staged = self._staged[begin:end]
            np.copyto(staged.numpy().reshape(rows.shape), rows)
            source = staged
        else:
            source = rows.reshape(-1, 3)
        self.pixels[begin:end].copy_(source, non_blocking=True)
