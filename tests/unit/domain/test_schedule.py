"""Two years of simulated clocks: exactly one run per date, whatever the clock does (A14)."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.schedule import dates_claimed, latest_date, next_moment

ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC")
START = datetime(2025, 1, 1, 12, tzinfo=UTC)
DAYS = 731


def _simulate(zone: ZoneInfo, schedule: str, at: str, is_on) -> list[tuple[date, datetime]]:
    """Tick every five minutes through two years and return the date and the local moment of each run."""
    claims: set[date] = set()
    runs: list[tuple[date, datetime]] = []
    moment = START
    while moment < START + timedelta(days=DAYS):
        if is_on(moment):
            local = moment.astimezone(zone)
            days = dates_claimed(schedule, at, local)
            if days and days[0] not in claims:
                runs.append((days[0], local))
                claims.update(days)
        moment += timedelta(minutes=5)
    return runs


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("at", ["02:00", "00:00", "23:59"])
def test_every_date_has_exactly_one_run_on_time(name: str, at: str) -> None:
    zone = ZoneInfo(name)
    runs = _simulate(zone, "daily", at, lambda _moment: True)
    # The very first makes up for a date before the beginning.
    regular = [day for day, _when in runs[1:]]
    first, last = regular[0], regular[-1]
    assert regular == [first + timedelta(days=n) for n in range((last - first).days + 1)]
    assert len(regular) >= DAYS - 1
    hour, minute = map(int, at.split(":"))
    for day, when in runs[1:]:
        due = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
        late = when.astimezone(UTC) - due.astimezone(UTC)
        # An hour that does not exist begins when the clock has jumped over it.
        assert timedelta(minutes=-1) <= late <= timedelta(minutes=66), (day, when)


@pytest.mark.parametrize("name", ZONES)
def test_what_was_missed_is_made_up_once_when_the_computer_is_on_again(name: str) -> None:
    rng, zone = random.Random(name), ZoneInfo(name)
    on, flips = True, {}

    def is_on(moment: datetime) -> bool:
        nonlocal on
        if moment not in flips:
            flips[moment] = rng.random() < 0.004
            on ^= flips[moment]
        return on

    runs = _simulate(zone, "daily", "02:00", is_on)
    days = [when.date() for _day, when in runs]
    assert len(days) == len(set(days)), "two runs on one local date"
    # Every date on which the computer was on after 02:00 has its run, within five minutes of its being on.
    owed = set()
    on = True
    for moment, flipped in flips.items():
        on ^= flipped
        local = moment.astimezone(zone)
        if on and local.hour >= 4:
            owed.add(local.date())
    made = set(days) | {day for day, _when in runs}
    assert owed <= made


@pytest.mark.parametrize(("schedule", "weekday", "day"), [("weekly", 6, None), ("monthly", None, 1)])
def test_weekly_and_monthly(schedule: str, weekday: int | None, day: int | None) -> None:
    runs = _simulate(ZoneInfo("Europe/Berlin"), schedule, "02:00", lambda _moment: True)
    assert len(runs) >= (DAYS // 7 if weekday is not None else 24)
    for when, _local in runs:
        assert weekday is None or when.weekday() == weekday
        assert day is None or when.day == day


def test_a_clock_set_forward_and_back_neither_doubles_nor_blocks() -> None:
    claims: set[date] = set()
    runs: list[date] = []
    for step in range(60):
        real = START + timedelta(days=step)
        shown = real + (timedelta(days=400) if step % 7 == 3 else timedelta(0))
        days = dates_claimed("daily", "12:00", shown)
        if days[0] not in claims:
            claims.update(days)
            runs.append(shown.date())
    assert len(runs) == 60
    # Every day on which the clock was right has its own run.
    assert {(START + timedelta(days=step)).date() for step in range(60) if step % 7 != 3} <= set(runs)


def test_off_is_never_due_and_the_next_moment_is_shown() -> None:
    now = datetime(2026, 11, 27, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    assert latest_date("off", "02:00", now) is None
    assert next_moment("off", "02:00", now) is None
    assert next_moment("daily", "02:00", now) == now.replace(day=28, hour=2)
    assert next_moment("weekly", "02:00", now) == now.replace(day=29, hour=2)
    assert next_moment("monthly", "13:00", now) == now.replace(month=12, day=1, hour=13)
