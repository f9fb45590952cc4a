"""Circles are collected, and by the window's thread alone."""

from __future__ import annotations

import gc
import threading

import pytest

from app.jobs.collector import Collector


class Circle:
    """Is held by itself alone, and tells who found it."""

    def __init__(self, found_by: list[int]) -> None:
        self.me, self._found_by = self, found_by

    def __del__(self) -> None:
        self._found_by.append(threading.get_ident())


def make_many() -> list[list[int]]:
    """Make more objects than Python begins to collect by in another thread, and return them."""
    kept: list[list[int]] = []
    thread = threading.Thread(target=lambda: kept.extend([] for _ in range(200_000)))
    thread.start()
    thread.join()
    return kept


@pytest.fixture
def collecting():
    made = Collector()
    made.start()
    yield made
    made.stop()
    assert gc.isenabled()


def test_a_worker_finds_none(qtbot, collecting):
    found_by: list[int] = []
    Circle(found_by)
    made = make_many()
    assert found_by == []
    qtbot.waitUntil(lambda: bool(found_by))
    assert made
    assert found_by == [threading.get_ident()]


def test_what_stands_is_not_looked_at_again(collecting):
    assert gc.get_freeze_count() > 10_000
    later: list[object] = []
    later.append(later)
    assert len(gc.get_objects()) < 1_000, "only what was made since"


def test_a_window_that_has_closed_is_found_before_the_next_opens():
    found_by: list[int] = []
    made = Collector()
    circle = Circle(found_by)
    made.start()
    del circle
    gc.collect()
    assert found_by == [], "it counts as standing"
    made.begin_anew()
    made.stop()
    assert found_by == [threading.get_ident()]
    assert gc.get_freeze_count() == 0


def test_without_it_a_worker_does():
    found_by: list[int] = []
    Circle(found_by)
    make_many()
    assert found_by
    assert threading.get_ident() not in found_by
