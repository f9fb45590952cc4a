"""When regular work is due, in the clinic's local time. Pure.

Not a list of moments but one question: which date's run should have begun by now? It is due when that date was not
claimed. So a run is made up after the computer was off, made once when an hour comes twice, and made at all when
02:00 does not exist (RELIABILITY A14, E37). A run that is made up counts for today too: never two on one day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

WEEKLY_ON = 6
MONTHLY_ON = 1
# What begins this much later is still that date's run: a question is asked three times a minute at most.
PUNCTUAL = timedelta(minutes=15)


def latest_date(schedule: str, at: str, now: datetime) -> date | None:
    """Return the newest local date for which a run should have begun by ``now``; ``None`` when it is off.

    Parameters
    ----------
    schedule
        ``daily``, ``weekly`` (Sundays), ``monthly`` (the first) or ``off``.
    at
        Local time of day, ``HH:MM``.
    now
        The present moment in the clinic's own zone.
    """
    if schedule == "off":
        return None
    hour, minute = (int(part) for part in at.split(":"))
    day = now.date() if now.time().replace(tzinfo=None) >= time(hour, minute) else now.date() - timedelta(days=1)
    if schedule == "weekly":
        return day - timedelta(days=(day.weekday() - WEEKLY_ON) % 7)
    if schedule == "monthly":
        return day.replace(day=MONTHLY_ON)
    return day


def dates_claimed(schedule: str, at: str, now: datetime) -> tuple[date, ...]:
    """Return the date whose run is due by ``now`` and, when that run is made up late, today; empty when it is off."""
    day = latest_date(schedule, at, now)
    if day is None:
        return ()
    hour, minute = (int(part) for part in at.split(":"))
    due = datetime.combine(day, time(hour, minute), now.tzinfo)
    is_late = now.astimezone(UTC) - due.astimezone(UTC) > PUNCTUAL
    return (day, now.date()) if is_late and day < now.date() else (day,)


def next_moment(schedule: str, at: str, now: datetime) -> datetime | None:
    """Return when the next run begins, in the zone of ``now``; ``None`` when it is off. For showing."""
    if schedule == "off":
        return None
    hour, minute = (int(part) for part in at.split(":"))
    for days in range(32):
        day = now.date() + timedelta(days=days)
        moment = datetime.combine(day, time(hour, minute), now.tzinfo)
        fits = {"weekly": day.weekday() == WEEKLY_ON, "monthly": day.day == MONTHLY_ON}.get(schedule, True)
        if moment > now and fits:
            return moment
    return None
