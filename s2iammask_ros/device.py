"""The device of the network: its memory and its failures. PyTorch is asked only where it is loaded."""

import gc
import sys

from s2iammask_core import S2iamMaskError


def free_memory() -> None:
    """Gives memory of dropped networks back to the system and the device."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def memory_in_use(device: str) -> float | None:
    """Megabytes that PyTorch holds on a device; None for the CPU, and without PyTorch."""
    torch = sys.modules.get("torch")
    if device == "cpu" or torch is None or not torch.cuda.is_available():
        return None
    return float(torch.cuda.memory_allocated()) / 1e6


def is_device_failure(error: BaseException) -> bool:
    """Whether the device is full or broken, and not the image to blame.

    By its words, because each library that runs networks has errors of its own.
    """
    known = isinstance(error, S2iamMaskError)
    return not known and ("CUDA" in str(error) or type(error).__name__ == "OutOfMemoryError")
