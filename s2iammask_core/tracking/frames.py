"""Frames as they come in: checked once, then taken to where they are needed."""

import numpy as np

from s2iammask_core.errors import FrameError
from s2iammask_core.geometry import Frame, HostFrame
from s2iammask_core.tracking.arrays import is_tensor

LONGEST_SIDE = 32_766  # pixels; OpenCV cannot warp larger frames


def checked_frame(frame: Frame) -> Frame:
    """The frame itself; FrameError unless it is (H, W, 3) uint8 and has pixels."""
    if not isinstance(frame, np.ndarray) and not is_tensor(frame):
        raise FrameError(f"a frame must be a NumPy array or a tensor, not {type(frame).__name__}")
    shape = tuple(frame.shape)
    if len(shape) != 3 or shape[2] != 3 or str(frame.dtype) not in ("uint8", "torch.uint8"):
        raise FrameError(f"a frame must be (H, W, 3) uint8 RGB, got shape {shape} and {frame.dtype}")
    if not (0 < shape[0] <= LONGEST_SIDE and 0 < shape[1] <= LONGEST_SIDE):
        raise FrameError(
            f"a frame must have 1 to {LONGEST_SIDE} rows and columns, got {shape[0]} x {shape[1]}"
        )
    return frame


def on_host(frame: Frame) -> HostFrame:
    """The frame as a contiguous array; no copy if it is one."""
    return np.ascontiguousarray(frame if isinstance(frame, np.ndarray) else frame.cpu().numpy())
