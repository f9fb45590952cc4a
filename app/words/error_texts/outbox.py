"""Words about the queues of what is to be sent."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "outbox.blocked": ErrorTemplates(
            t("Nothing is sent to {destination}"),
            t("Sending was stopped: {cause}."),
            t("Put it right and send again."),
        ),
        "outbox.not_parked": ErrorTemplates(
            t("Nothing to decide"),
            t("Entry {number} waits for no decision (any more)."),
            t("Look at the list again: it may have been sent or decided meanwhile."),
        ),
        "outbox.parked": ErrorTemplates(
            t("An image was not sent to {destination}"),
            t("It waits for a decision: {cause}."),
            t("Send again once that is settled."),
        ),
    }
