"""Keeping memory: for processes that run for months and have their peaks at night."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Any

# Of malloc.h (glibc): a block from here on is the system's own and goes back to it at once; so many pools.
_M_MMAP_THRESHOLD, _LARGE_BYTES = -3, 256 << 10
_M_ARENA_MAX, _POOLS = -8, 2


def stay_small() -> None:
    """Let large blocks go back to the system when they are freed, and threads share their pools of small ones.

    glibc keeps an ever larger part for itself otherwise, and a pool for each thread that ever ran beside others:
    what is free in one is of no use to another. Costs a tenth of a millisecond for each megabyte that is taken.
    """
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_ARENA_MAX, _POOLS)


def give_back() -> None:
    """Collect what is held in circles alone, and return to the system what the allocator keeps for later.

    Clients of remote stores are such circles, thousands of objects each; glibc keeps what was freed between things
    still in use, a little more with every peak.
    """
    gc.collect()
    trim = _of_libc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_libc(name: str) -> Any:
    """Return one of glibc's own functions; ``None`` elsewhere."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
