"""Giving memory back: for processes that run for months and have their peaks at night."""

from __future__ import annotations

import ctypes
import gc
import sys


def give_back() -> None:
    """Collect what is held in circles alone, and return to the system what the allocator keeps for later.

    Clients of remote stores are such circles, thousands of objects each; glibc keeps what was freed between things
    still in use, a little more with every peak.
    """
    gc.collect()
    if sys.platform == "linux":
        # Not every C library has it.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
