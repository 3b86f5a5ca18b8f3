"""Memory that glibc keeps for later, given back to the system; with other C libraries nothing happens."""

import ctypes

HEAPS = 2  # for all threads
M_ARENA_MAX = -8  # of malloc.h


def share_heaps() -> None:
    """For the start of a program: its threads have a few heaps together.

    Otherwise each thread fills one of its own, and what a network leaves between other things in all of them
    stays for good.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(M_ARENA_MAX, HEAPS)


def trim() -> None:
    """What is free in the heaps goes back."""
    trim_heap = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim_heap is not None:
        trim_heap(0)
