"""Remaining time is arithmetic on reports."""

from __future__ import annotations

import pytest

from app.core.progress import Progress
from app.jobs import pace


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    return now


def test_remaining_follows_the_recent_speed(clock):
    made = pace.Pace()
    for done in (0, 10, 20):
        made.note(Progress(done, 100))
        clock[0] += 1.0
    assert made.remaining_s(Progress(20, 100)) == pytest.approx(8.0)


def test_nobody_knows_without_total_or_samples(clock):
    made = pace.Pace()
    assert made.remaining_s(Progress(5, None)) is None
    made.note(Progress(1, 10))
    assert made.remaining_s(Progress(1, 10)) is None


def test_the_clock_stands_still_at_the_end(clock):
    made = pace.Pace()
    clock[0] += 5
    made.stop()
    clock[0] += 50
    assert made.elapsed_s == 5
