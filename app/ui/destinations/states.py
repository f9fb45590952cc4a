"""How a destination stands: colour, a few words, and what a person should know or do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.core.errors import EnvironmentFault
from app.sync.outbox import AWAY
from app.ui.formats import joined, moment
from app.ui.status.chip import Health
from app.words import errors as error_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.watchdog import DestinationHealth
    from app.storage.destinations import Queue

State = tuple[Health, str, str]
_COLOURS = {"off": Health.OFF, "good": Health.GOOD, "waiting": Health.WAITING, "failed": Health.FAILED}
_ORDER = (Health.OFF, Health.GOOD, Health.WAITING, Health.FAILED)
# What the words for the queue say already.
_SAID = frozenset({"watch.blocked", "watch.parked", "watch.offline"})


def of_kind(found: Sequence[DestinationHealth], *kinds: str) -> list[DestinationHealth]:
    """Return the destinations of these kinds that images go to."""
    return [one for one in found if one.queue.enabled and one.queue.kind in kinds]


def destination_state(health: DestinationHealth) -> State:
    """Return how a destination stands. Offline is amber: nothing is lost, and nobody has to act."""
    if not health.queue.enabled:
        return Health.OFF, t("off"), ""
    if health.paused:
        waits = tn("{n} waits", "{n} wait", health.queue.waiting) if health.queue.waiting else ""
        return Health.WAITING, joined(t("paused"), waits), t("What is filed waits here until somebody resumes it.")
    colour, text, reason = _queue_state(health.queue)
    more = [one for one in health.concerns if one.code not in _SAID]
    if more:
        colour = max(colour, _COLOURS[health.light.value], key=_ORDER.index)
        words = [error_words.describe(one.code, one.facts) for one in more]
        reason = "\n".join(
            part for part in (reason, *(joined(one.explanation, one.what_to_do) for one in words)) if part
        )
        if text == t("all sent"):
            text = words[0].title
    return colour, text, reason


def together(found: Sequence[DestinationHealth]) -> State:
    """Return how several destinations stand as one: the worst of them, and what each has to say."""
    states = [(one, destination_state(one)) for one in found]
    if len(states) == 1:
        return states[0][1]
    colour = max((state[0] for _one, state in states), key=_ORDER.index)
    waiting = sum(one.queue.waiting for one, _state in states)
    bad = [state for _one, state in states if state[0] is Health.FAILED]
    text = bad[0][1] if bad else tn("{n} waits", "{n} wait", waiting) if waiting else t("all sent")
    lines = [f"{one.queue.name.partition('.')[2] or one.queue.name}: {joined(*state[1:])}" for one, state in states]
    return colour, text, "\n".join(lines)


def _queue_state(queue: Queue) -> State:
    if queue.blocked_code:
        words = error_words.words_for(EnvironmentFault(queue.blocked_code, **queue.blocked_facts))
        return Health.FAILED, words.title, joined(words.explanation, words.what_to_do)
    waits = tn("{n} waits", "{n} wait", queue.waiting)
    if queue.parked:
        asks = tn("{n} image waits for your decision.", "{n} images wait for your decision.", queue.parked)
        return (
            Health.FAILED,
            joined(tn("{n} to decide", "{n} to decide", queue.parked), waits if queue.waiting else ""),
            asks,
        )
    if queue.waiting and queue.last_fault:
        words = error_words.words_for(EnvironmentFault(queue.last_fault))
        if queue.last_fault not in AWAY:
            # It answers, and something did not go as it should; what exactly stands at each entry.
            return Health.WAITING, joined(t("is tried again"), waits), words.title
        return Health.WAITING, joined(t("offline"), waits), joined(words.explanation, words.what_to_do)
    if queue.waiting:
        return Health.GOOD, waits, t("They are being sent.")
    last = t("Last sent: {date}", date=moment(queue.last_success)) if queue.last_success else ""
    return Health.GOOD, t("all sent"), last
