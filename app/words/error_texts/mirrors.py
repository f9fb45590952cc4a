"""Words about mirrors as they are set up."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "mirror.none": ErrorTemplates(
            t("No mirror"), t("No mirror is set up."), t("Add one in the settings, under “Mirrors”.")
        ),
        "mirror.inside_library": ErrorTemplates(
            t("Not beside the library"),
            t("{path} and the library lie within each other."),
            t("Choose a folder on another disk or another computer."),
        ),
        "mirror.not_set_up": ErrorTemplates(
            t("Mirror not set up"),
            t("The mirror {destination} is switched off, or its address is missing."),
            t("Complete it in the settings, under “Mirrors”."),
        ),
    }
