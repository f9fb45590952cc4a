"""Words for errors about whose an image is."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    inbox = t("It waits in the inbox for somebody to decide.")
    return {
        "identity.none": ErrorTemplates(t("Whose image?"), t("The file does not say whose image it is."), inbox),
        "identity.contradicts": ErrorTemplates(
            t("Identities disagree"), t("The file and the patient disagree: {contradictions}."), inbox
        ),
        "identity.ambiguous": ErrorTemplates(
            t("Several patients fit"), t("More than one patient fits what the file says."), inbox
        ),
        "identity.incomplete": ErrorTemplates(
            t("Not sure enough"), t("What the file says of the patient is not enough to be sure."), inbox
        ),
        "identity.interrupted": ErrorTemplates(
            t("Import was cut short"),
            t("The program ended while this file came in, before it was known whose it is."),
            inbox,
        ),
        "identity.unusable": ErrorTemplates(
            t("Unusable name"), t("The patient's name or number in the file cannot be used."), inbox
        ),
    }
