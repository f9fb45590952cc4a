"""What the watchdog says and when: each limit on both of its sides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.watchdog import Light, Standing, concerns, light_of, silence

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def codes(standing: Standing) -> list[str]:
    return [one.code for one in concerns(standing, NOW)]


@pytest.mark.parametrize(
    ("standing", "said", "light"),
    [
        (Standing(False, waiting=9, parked=9, blocked_code="pacs.full"), [], Light.OFF),
        (Standing(True), [], Light.GOOD),
        (Standing(True, waiting=3, oldest=NOW - timedelta(hours=24)), [], Light.GOOD),
        (Standing(True, waiting=3, oldest=NOW - timedelta(hours=24) - SECOND), ["watch.waits_long"], Light.WAITING),
        (Standing(True, waiting=3, oldest=NOW - timedelta(days=7)), ["watch.waits_long"], Light.WAITING),
        (Standing(True, waiting=3, oldest=NOW - timedelta(days=7) - SECOND), ["watch.waits_long"], Light.FAILED),
        (
            Standing(True, waiting=9, oldest=NOW - timedelta(days=30), last_success=NOW - timedelta(hours=24)),
            ["watch.long_queue"],
            Light.WAITING,
        ),
        (
            Standing(True, waiting=9, oldest=NOW - timedelta(days=30), last_success=NOW - timedelta(hours=24) - SECOND),
            ["watch.waits_long"],
            Light.FAILED,
        ),
        (Standing(True, waiting=9, oldest=NOW - timedelta(hours=23), last_success=NOW), [], Light.GOOD),
        (Standing(True, waiting=1, last_fault="pacs.unreachable"), ["watch.offline"], Light.WAITING),
        (Standing(True, last_fault="pacs.unreachable"), [], Light.GOOD),
        (Standing(True, parked=1), ["watch.parked"], Light.FAILED),
        (
            Standing(True, waiting=1, last_fault="pacs.full", blocked_code="pacs.full"),
            ["watch.blocked"],
            Light.FAILED,
        ),
        (Standing(True, clock_s=60.0), [], Light.GOOD),
        (Standing(True, clock_s=-60.5), ["watch.clock"], Light.WAITING),
        (Standing(True, certificate_until=NOW + timedelta(days=30) + SECOND), [], Light.GOOD),
        (Standing(True, certificate_until=NOW + timedelta(days=30)), ["watch.certificate_soon"], Light.WAITING),
        (Standing(True, certificate_until=NOW), ["watch.certificate_over"], Light.FAILED),
        (
            Standing(True, clock_s=99.0, parked=1, certificate_until=NOW - SECOND),
            ["watch.parked", "watch.certificate_over", "watch.clock"],
            Light.FAILED,
        ),
    ],
)
def test_what_is_said_and_in_which_colour(standing: Standing, said: list[str], light: Light) -> None:
    found = concerns(standing, NOW)
    assert [one.code for one in found] == said
    assert light_of(standing, found) is light


@pytest.mark.parametrize(
    ("last", "is_listening", "said"),
    [
        (NOW - timedelta(days=4), True, []),
        (NOW - timedelta(days=4) - SECOND, True, ["watch.quiet"]),
        (NOW - timedelta(days=40), False, []),
        (None, True, []),
    ],
)
def test_a_silence_is_heard(last: datetime | None, is_listening: bool, said: list[str]) -> None:
    assert [one.code for one in silence(last, is_listening, NOW)] == said
