"""Sizes, durations, dates and ages as people read them."""

from __future__ import annotations

from datetime import date, datetime

from app.domain.patient import age_in_years
from app.words.catalogue import t, tn

_UNITS = ("B", "kB", "MB", "GB", "TB")


def size(value: int) -> str:
    """Return a number of bytes as ``450 MB``."""
    amount = float(value)
    unit = 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount /= 1000
        unit += 1
    digits = 1 if unit > 1 and amount < 10 else 0
    return f"{amount:.{digits}f} {_UNITS[unit]}"


def clock(seconds: float) -> str:
    """Return a duration as ``0:34`` or ``1:02:05``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def remaining(seconds: float) -> str:
    """Return how long something still takes, no more exact than it can be known."""
    if seconds < 60:
        return tn("{n} second left", "{n} seconds left", max(1, round(seconds)))
    if seconds < 5400:
        return tn("about {n} minute left", "about {n} minutes left", round(seconds / 60))
    return tn("about {n} hour left", "about {n} hours left", round(seconds / 3600))


def day(value: date | datetime | None) -> str:
    """Return a date as ``14 Mar 1985`` in the language in use."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone().date()
    month = (
        t("Jan"),
        t("Feb"),
        t("Mar"),
        t("Apr"),
        t("May"),
        t("Jun"),
        t("Jul"),
        t("Aug"),
        t("Sep"),
        t("Oct"),
        t("Nov"),
        t("Dec"),
    )[value.month - 1]
    return t("{day} {month} {year}", day=value.day, month=month, year=value.year)


def moment(value: datetime | None) -> str:
    """Return a point in time, local, as ``14 Mar 1985 10:42``."""
    if value is None:
        return ""
    local = value.astimezone()
    return f"{day(local)} {local:%H:%M}"


def age(birth_date: date | None, today: date) -> str:
    """Return the age in years, or nothing when the birth date is unknown or lies ahead."""
    if birth_date is None or birth_date > today:
        return ""
    return tn("{n} year", "{n} years", age_in_years(birth_date, today))
