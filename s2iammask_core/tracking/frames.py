"""Frames as they come in: checked once, then moved to where they are needed."""

import numpy as np
import torch
from torch import Tensor

from s2iammask_core.errors import FrameError
from s2iammask_core.geometry import Frame, HostFrame

LONGEST_SIDE = 32_766  # pixels; OpenCV cannot warp larger frames


def checked_frame(frame: Frame) -> Frame:
    """The frame itself; FrameError unless it is (H, W, 3) uint8 and has pixels."""
    if not isinstance(frame, (np.ndarray, Tensor)):
        raise FrameError(f"a frame must be a NumPy array or a tensor, not {type(frame).__name__}")
    shape = tuple(frame.shape)
    if len(shape) != 3 or shape[2] != 3 or frame.dtype not in (np.uint8, torch.uint8):
        raise FrameError(f"a frame must be (H, W, 3) uint8 RGB, got shape {shape} and {frame.dtype}")
    if not (0 < shape[0] <= LONGEST_SIDE and 0 < shape[1] <= LONGEST_SIDE):
        raise FrameError(
            f"a frame must have 1 to {LONGEST_SIDE} rows and columns, got {shape[0]} x {shape[1]}"
        )
    return frame


def on_host(frame: Frame) -> HostFrame:
    """The frame as a contiguous array; no copy if it is one."""
    return np.ascontiguousarray(frame.cpu().numpy() if isinstance(frame, Tensor) else frame)


def on_device(frame: Frame, device: torch.device) -> Tensor:
    """The frame on the device; a host frame is staged in pinned memory and sent without waiting."""
    if isinstance(frame, Tensor):
        return frame.to(device)
    staged = torch.empty(frame.shape, dtype=torch.uint8, pin_memory=device.type == "cuda")
    np.copyto(staged.numpy(), frame)
    return staged.to(device, non_blocking=True)
