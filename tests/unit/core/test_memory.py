"""Memory goes back to the system: circles are collected, and what the allocator kept is returned."""

from __future__ import annotations

import gc
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
