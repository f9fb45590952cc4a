"""Memory goes back to the system: circles are collected, and what the allocator kept is returned."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import psutil
import pytest

from app.core.memory import give_back


class Circle:
    """Held by itself alone."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_held_in_circles_alone_goes() -> None:
    gc.disable()
    try:
        seen = weakref.ref(Circle())
        assert seen() is not None
        give_back()
        assert seen() is None
    finally:
        gc.enable()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_what_was_freed_between_things_in_use_is_returned() -> None:
    process = psutil.Process()
    # Below what glibc would map, and so return, one by one; each second one stays in use.
    kept = [bytearray(60_000) for _number in range(2_000)][::2]
    before = process.memory_info().rss
    give_back()
    returned = before - process.memory_info().rss
    assert len(kept) == 1_000
    assert returned > 30 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_large_blocks_return_by_themselves() -> None:
    # In a process of its own, since it holds for all that comes after. Freeing one large block teaches glibc to keep
    # blocks of that size, unless it was told not to.
    program = """
import psutil, sys
from app.core.memory import stay_small
if sys.argv[1] == "small":
    stay_small()
del (taught := [bytearray(24 << 20)])[:]
blocks = [bytearray(2 << 20) for _number in range(40)]
last = [bytearray(1000) for _number in range(200)]
before = psutil.Process().memory_info().rss
del blocks[:39]
print(before - psutil.Process().memory_info().rss)
"""
    returned = {
        how: int(subprocess.run([sys.executable, "-c", program, how], capture_output=True, check=True).stdout)
        for how in ("small", "usual")
    }
    assert returned["small"] > 60 << 20
    assert returned["usual"] < 20 << 20, "without it glibc keeps them: the test would show nothing"
