"""Memory that the C library keeps for later, given back to the system."""

import ctypes


def trim() -> None:
    """What is free in the heap of glibc goes back; elsewhere nothing happens."""
    trim_heap = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim_heap is not None:
        trim_heap(0)
