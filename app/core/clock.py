"""Time for records. Intervals use ``time.monotonic``; records use UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """Return the present moment in UTC, cut to milliseconds so that it survives storage."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def today() -> date:
    """Return the day it is in the clinic."""
    return utc_now().astimezone().date()


def epoch_ms(moment: datetime) -> int:
    """Return milliseconds since 1970-01-01 UTC of an aware ``moment``."""
    # Not by way of a float, which loses a millisecond now and then (autumn 2004).
    return (moment - _EPOCH) // timedelta(milliseconds=1)
