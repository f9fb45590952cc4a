"""What the watchdog says: things that go wrong without anybody noticing."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "watch.blocked": ErrorTemplates(
            t("Nothing is sent"), t("Nothing is sent any more: {cause}"), t("Put it right and send again.")
        ),
        "watch.parked": ErrorTemplates(
            t("Waits for a decision"), t("Images that wait for a decision: {n}."), t("Open the queue and decide.")
        ),
        "watch.waits_long": ErrorTemplates(
            t("Waits for long"),
            t("The oldest has waited for {hours} hours."),
            t("See whether the network and the other side are all right."),
        ),
        "watch.long_queue": ErrorTemplates(
            t("A long queue"), t("Still to be sent: {n}. It moves on."), t("Nothing needs to be done.")
        ),
        "watch.offline": ErrorTemplates(
            t("Offline"), t("Offline: {cause}"), t("Nothing is lost; it is sent as soon as there is an answer.")
        ),
        "watch.clock": ErrorTemplates(
            t("Clock differs"),
            t("Its clock and this computer's differ by {seconds} seconds."),
            t("Let both take their time from the network."),
        ),
        "watch.certificate_soon": ErrorTemplates(
            t("Certificate ends soon"),
            t("Its certificate ends in {days} days."),
            t("Ask whoever runs it for a new one."),
        ),
        "watch.certificate_over": ErrorTemplates(
            t("Certificate over"), t("Its certificate is no longer valid."), t("Ask whoever runs it for a new one.")
        ),
        "watch.quiet": ErrorTemplates(
            t("Nothing arrives"),
            t("Nothing has arrived for {days} days, though folders or sensors are listened to."),
            t("See whether the sensor's program still writes to the same folder or address."),
        ),
    }
