"""Words for errors about disks and folders."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "disk.full": ErrorTemplates(
            t("The disk is full"),
            t("There is no room left on the disk; what was finished is safe."),
            t("Make room, then start again; it goes on where it stopped."),
        ),
        "disk.reserve": ErrorTemplates(
            t("Not enough room"),
            t("{needed} are needed and {free} are free, of which {reserve} stay reserved."),
            t("Make room or choose another disk."),
        ),
        "disk.permission": ErrorTemplates(
            t("No permission"), t("This account may not write there."), t("Ask whoever looks after this computer.")
        ),
        "disk.read_only": ErrorTemplates(t("Read-only disk"), t("The disk can only be read, not written.")),
        "disk.failed": ErrorTemplates(
            t("The disk failed"), t("The disk could not be read or written."), t("Check the disk and its cable.")
        ),
        "disk.busy": ErrorTemplates(
            t("File in use"), t("Another program holds the file."), t("Close it and try again.")
        ),
    }
