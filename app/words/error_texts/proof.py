"""Words for what the nightly proof finds."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "proof.catalogue_damaged": ErrorTemplates(
            t("Catalogue damaged"),
            t("The nightly reading found the catalogue damaged; the images are not."),
            t("Restore the newest backup."),
        ),
        "drill.no_backup": ErrorTemplates(
            t("No backup to try"), t("There is no good backup yet."), t("Make one first.")
        ),
        "drill.different": ErrorTemplates(
            t("Backup does not restore"),
            t("Restored, {member} is not what the backup says."),
            t("Make a new backup now, on another drive."),
        ),
        "drill.passed": ErrorTemplates(
            t("Restoring was tried"),
            t("The newest backup was restored to a temporary place: all {files} files are right."),
        ),
        "drill.failed": ErrorTemplates(
            t("Restoring failed"),
            t("The newest backup could not be restored in a trial: {cause}"),
            t("Make a new backup now, on another drive."),
        ),
        "proof.repaired": ErrorTemplates(
            t("Image repaired"),
            t("An image's file was damaged or missing ({cause}) and was brought back from a copy."),
            t("Look after the disk: it loses data."),
        ),
        "proof.damaged": ErrorTemplates(
            t("Image damaged"),
            t("An image's file is damaged or missing and no copy was found: {cause}"),
            t("Plug in the drive with the backups, then check the library."),
        ),
    }
