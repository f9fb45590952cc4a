"""Time for records. Intervals use ``time.monotonic``; records use UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present moment in UTC, cut to milliseconds so that it survives storage."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def epoch_ms(moment: datetime) -> int:
    """Return milliseconds since 1970-01-01 UTC of an aware ``moment``."""
    return int(moment.timestamp() * 1000)


def from_epoch_ms(value: int) -> datetime:
    """Return the aware UTC moment of ``value`` milliseconds since 1970."""
    return datetime.fromtimestamp(value / 1000, UTC)
