"""Words for errors about exports."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "export.original_unchanged": ErrorTemplates(
            t("Originals stay as they are"),
            t("Original files are exported unchanged, with the patient's name in them."),
            t("Choose another format for a copy without a name."),
        ),
        "export.cannot_clean": ErrorTemplates(
            t("Cannot be made anonymous"),
            t("Nobody can promise that no name is left in this kind of file."),
            t("Choose a picture format, and look at the picture before it goes out."),
        ),
        "export.dicomdir_exists": ErrorTemplates(
            t("Folder in use"), t("There is a DICOMDIR at {path} already."), t("Choose an empty folder.")
        ),
        "export.not_in_dicomdir": ErrorTemplates(
            t("Not for a disc"), t("This kind of file cannot be listed in a DICOMDIR.")
        ),
        "export.unknown_format": ErrorTemplates(
            t("Unknown format"), t("Files ending in “{format}” cannot be written."), t("Use .csv or .json.")
        ),
        "export.not_empty": ErrorTemplates(
            t("Folder not empty"), t("The folder already holds other files."), t("Choose an empty folder.")
        ),
        "export.not_a_folder": ErrorTemplates(
            t("Not a folder"), t("{path} is a file, not a folder."), t("Choose another folder.")
        ),
    }
