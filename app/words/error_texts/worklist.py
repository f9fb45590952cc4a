"""What is said of the worklist of the day when something does not go as it should."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the texts by code, in the language of now."""
    return {
        "worklist.none": ErrorTemplates(
            t("No worklist is set up"),
            t("No archive of the clinic is said to have the worklist of the day."),
            t("Add it in the settings, under “Archive”, and tick that it has the worklist."),
        ),
        "worklist.contradicts": ErrorTemplates(
            t("Somebody else?"),
            t("The worklist describes this patient differently than the library does."),
            t("Compare both, and say whether they are the same person."),
        ),
        "worklist.unclear": ErrorTemplates(
            t("Nobody sure"),
            t("The worklist does not say surely enough who this is: it needs a number and a name that fit one."),
            t("Find or add the patient yourself."),
        ),
    }
