"""The device of the network: its memory and its failures. PyTorch is asked only where it is loaded."""

import gc
import sys
from contextlib import suppress
from typing import Any

from s2iammask_core import S2iamMaskError

# what PyTorch, cuDNN and onnxruntime say when a GPU is full or broken, in small letters
WORDS = ("cuda", "cudnn", "cublas", "unable to find an engine", "failed to allocate memory")

_lost: list[Any] = []


def free_memory() -> None:
    """Gives memory of dropped networks back to the system and the device, if the device still answers."""
    gc.collect()
    if torch := _torch_with_cuda():
        with suppress(Exception):  # the error that a device was lost by is raised by all that is asked of it
            torch.cuda.empty_cache()


def is_lost(device: str) -> bool:
    """Whether a GPU answers nothing any more: some errors last until the process ends."""
    torch = _torch_with_cuda()
    if torch is None or not device.startswith("cuda"):
        return False
    try:
        torch.cuda.synchronize(device)
    except Exception:  # whatever the driver raises
        return True
    return False


def keep_for_good(things: object) -> None:
    """For what has memory on a device that was lost: PyTorch may end the process when that is freed."""
    _lost.append(things)


def memory_in_use(device: str) -> float | None:
    """Megabytes that PyTorch holds on a device; None for the CPU, and without PyTorch."""
    torch = _torch_with_cuda()
    if torch is None or not device.startswith("cuda"):
        return None
    return float(torch.cuda.memory_allocated(device)) / 1e6


def is_device_failure(error: BaseException) -> bool:
    """Whether the device is full or broken, and not the image to blame.

    By its words, because each library that runs networks has errors of its own.
    """
    if isinstance(error, S2iamMaskError):
        return False
    return type(error).__name__ == "OutOfMemoryError" or any(word in str(error).lower() for word in WORDS)


def _torch_with_cuda() -> Any:
    torch = sys.modules.get("torch")
    return torch if torch is not None and torch.cuda.is_available() else None
