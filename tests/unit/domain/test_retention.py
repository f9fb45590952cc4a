"""Retention by the newest backup, not by the clock; at least three good ones always stay (A7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.retention import ALWAYS_KEPT, Kept, expired

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)


def _daily(count: int) -> list[Kept]:
    return [Kept(str(number), NOW - timedelta(days=number), verified=True) for number in range(count)]


def test_what_is_older_than_the_newest_by_so_many_days_goes_oldest_first() -> None:
    assert expired(_daily(33), 30) == ["32", "31"]


def test_three_good_ones_stay_however_old() -> None:
    old = [Kept(str(number), NOW - timedelta(days=number * 300), verified=True) for number in range(6)]
    assert expired(old, 30) == ["5", "4", "3"]
    assert expired(old[:3], 30) == []


def test_damaged_ones_do_not_count_among_the_three() -> None:
    backups = [Kept(str(number), NOW - timedelta(days=number * 40), verified=number % 2 == 0) for number in range(8)]
    gone = expired(backups, 30)
    assert {"0", "2", "4"}.isdisjoint(gone)
    assert {"1", "3", "5", "6", "7"} >= set(gone)


def test_the_clock_jumps_400_days_forward_and_back_ten_times() -> None:
    held: list[Kept] = []
    clock, number = NOW, 0
    for cycle in range(10):
        for shift in (timedelta(days=400), timedelta(days=-400)):
            clock += shift
            for _day in range(5):
                clock += timedelta(days=1)
                held.insert(0, Kept(str(number), clock, verified=(number + cycle) % 6 != 5))
                number += 1
                gone = set(expired(held, 30))
                held = [backup for backup in held if backup.id not in gone]
                good = sum(backup.verified for backup in held)
                assert good >= min(ALWAYS_KEPT, sum(True for n in range(number) if n % 6 != 5) and good)
                assert good >= ALWAYS_KEPT or number <= 5


@given(
    st.lists(st.tuples(st.integers(-1000, 1000), st.booleans()), max_size=40),
    st.integers(1, 400),
)
def test_three_good_ones_always_remain(days: list[tuple[int, bool]], retention: int) -> None:
    backups = [Kept(str(n), NOW + timedelta(days=day), good) for n, (day, good) in enumerate(days)]
    gone = set(expired(backups, retention))
    before = sum(backup.verified for backup in backups)
    after = sum(backup.verified for backup in backups if backup.id not in gone)
    assert after >= min(before, ALWAYS_KEPT)
