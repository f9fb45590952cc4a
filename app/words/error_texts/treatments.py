"""Words for errors about treatments."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "treatment.none": ErrorTemplates(
            t("No such treatment"), t("This treatment is not there any more."), t("Read the list again.")
        ),
        "treatment.nameless": ErrorTemplates(
            t("Nothing done"), t("A treatment needs a procedure or a code."), t("Say what was done.")
        ),
        "treatment.too_long": ErrorTemplates(
            t("Too long"), t("A text of the treatment is too long."), t("Put the rest into the notes.")
        ),
        "treatment.other_patient": ErrorTemplates(
            t("Another patient's image"),
            t("The image belongs to another patient than the treatment."),
            t("Move the image first, if it was filed wrongly."),
        ),
        "treatment.changed_elsewhere": ErrorTemplates(
            t("Changed elsewhere"),
            t("Somebody else changed this treatment in the meantime."),
            t("Look at it again, then change it."),
        ),
    }
