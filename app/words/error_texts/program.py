"""Words for errors about the program and its jobs."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "program.fault": ErrorTemplates(
            t("A fault in Bitewing"),
            t("Something unexpected happened ({kind}); your images are safe."),
            t("Please send us the log."),
        ),
        "program.no_display": ErrorTemplates(
            t("No display"),
            t("There is no display here, so the window cannot open."),
            t("Use --screenshot FILE for a picture of it, or the commands that need no window."),
        ),
        "job.none": ErrorTemplates(t("No such run"), t("This run is not in the list any more.")),
        "job.failed": ErrorTemplates(
            t("Stopped by a fault"), t("A fault ended this run; what was finished stays."), t("Start it again.")
        ),
        "job.interrupted": ErrorTemplates(
            t("Interrupted"),
            t("The program ended while this ran; what was finished stays."),
            t("Start it again; it goes on where it stopped."),
        ),
    }
