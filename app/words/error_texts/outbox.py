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
        "outbox.given_up": ErrorTemplates(
            t("An image could not be published at {destination}"),
            t("It was not proven to be public, so its copy is taken away again: {cause}."),
            t("Publish it again once that is settled."),
        ),
        "outbox.not_recalled": ErrorTemplates(
            t("An image may still be public at {destination}"),
            t("It is to be private, and that is not proven: {cause}."),
            t("It is asked for again by itself; the public images tell which one it is."),
        ),
    }
