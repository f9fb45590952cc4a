"""Words for errors about checking the library."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "check.missing": ErrorTemplates(
            t("File missing"), t("The image's file is gone."), t("Restore it from a backup.")
        ),
        "check.orphan": ErrorTemplates(
            t("File without image"), t("No image in the catalogue belongs to this file."), t("Import it.")
        ),
        "check.size": ErrorTemplates(t("File has changed"), t("The file does not have the size it was imported with.")),
        "check.hash": ErrorTemplates(
            t("File has changed"), t("The stored file no longer has the bytes that were imported.")
        ),
        "check.audit_broken": ErrorTemplates(
            t("Audit log changed"),
            t("The audit log does not hold here: an entry was changed, removed or added afterwards ({kind})."),
            t("Keep the library as it is and compare it with a backup."),
        ),
        "check.unreadable": ErrorTemplates(t("Cannot be read"), t("The file cannot be read.")),
    }
