"""How the archive's queue stands: colour, a few words, and what a person should know or do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.core.errors import EnvironmentFault
from app.ui.formats import joined, moment
from app.ui.status.chip import Health
from app.words import errors as error_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.storage.outbox import Queue


def archive_queue(queues: Sequence[Queue]) -> Queue | None:
    """Return the archive's queue where images are sent to one."""
    return next((queue for queue in queues if queue.enabled and queue.kind == "orthanc"), None)


def archive_state(queue: Queue) -> tuple[Health, str, str]:
    """Return how it stands. Offline is amber: nothing is lost, and nobody has to act."""
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
        return Health.WAITING, joined(t("offline"), waits), joined(words.explanation, words.what_to_do)
    if queue.waiting:
        return Health.GOOD, waits, t("They are being sent.")
    last = t("Last sent: {date}", date=moment(queue.last_success)) if queue.last_success else ""
    return Health.GOOD, t("all sent"), last
