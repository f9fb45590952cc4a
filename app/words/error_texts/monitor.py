"""Words for errors and events of the folder monitor."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "monitor.no_folders": ErrorTemplates(
            t("No folders to watch"), t("No folder is being watched yet."), t("Add one in the settings under Folders.")
        ),
        "monitor.bad_rule": ErrorTemplates(
            t("Rule not understood"),
            t("“{rule}” is no rule for the folder {path}."),
            t("Use dicom, open, folder:PATTERN or file:PATTERN; a pattern holds “{{chart}}”, for example."),
        ),
        "monitor.bad_folder": ErrorTemplates(
            t("Folder cannot be watched"),
            t("{path} is inside the library, or holds it."),
            t("Choose the folder that your device writes to."),
        ),
        "monitor.overlapping": ErrorTemplates(
            t("Folder is watched already"), t("{path} is inside {other}, which is watched too."), t("Keep one of them.")
        ),
        "monitor.folder_missing": ErrorTemplates(
            t("Folder not there"),
            t("The folder {path} is not there, or cannot be read."),
            t("Switch the device or the network drive on; it is looked for all the time."),
        ),
        "monitor.away": ErrorTemplates(
            t("Folder went away"),
            t("The watched folder {folder} is not there any more."),
            t("Nothing is lost: it is looked for until it is back."),
        ),
        "monitor.back": ErrorTemplates(t("Folder is back"), t("The watched folder {folder} is there again.")),
        "monitor.waits": ErrorTemplates(
            t("File waits"),
            t("A file in {folder} was not taken yet: {cause}"),
            t("It is tried again as soon as it changes, and every minute."),
        ),
        "monitor.stopped": ErrorTemplates(
            t("Taking in stopped"),
            t("No images can be taken in: {cause}"),
            t("It goes on by itself once that is mended."),
        ),
        "monitor.name_unknown": ErrorTemplates(
            t("Name not known"),
            t("The name of the folder or file names no patient, or several."),
            t("Choose the patient."),
        ),
        "monitor.confirm_open": ErrorTemplates(
            t("Whose is it?"),
            t("The folder's images are meant for the patient who is open in the window; that has to be confirmed."),
            t("Choose the patient."),
        ),
        "monitor.not_reached": ErrorTemplates(t("Not reached"), t("The file was not reached before the end.")),
    }
