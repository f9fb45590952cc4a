"""Words for errors about files that come in."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    keep = t("The file was kept aside in quarantine; ask for it again at its source.")
    return {
        "file.empty": ErrorTemplates(
            t("Empty file"), t("The file is empty: it has no bytes at all."), t("Copy it again from its source.")
        ),
        "file.truncated": ErrorTemplates(
            t("Incomplete file"),
            t("The file is incomplete: it has {has} of {needed} bytes."),
            keep,
            t("The file is incomplete."),
        ),
        "file.not_an_image": ErrorTemplates(
            t("Not an image"), t("The file is neither a DICOM file, a photo nor a PDF document.")
        ),
        "file.not_wanted": ErrorTemplates(
            t("Passed over"), t("Files of this kind were not asked for."), t("Import again with this kind switched on.")
        ),
        "file.unsupported_format": ErrorTemplates(
            t("Unsupported format"),
            t("Files of this format cannot be opened: {format}."),
            "",
            t("Files of this format cannot be opened."),
        ),
        "file.not_a_file": ErrorTemplates(
            t("Not a file"), t("This is a link or a device, not a file; links are not followed.")
        ),
        "file.too_large": ErrorTemplates(
            t("Image too large"),
            t("The image says it is {columns} × {rows} pixels, more than can be opened."),
            keep,
            t("The image is larger than can be opened."),
        ),
        "file.undecodable": ErrorTemplates(
            t("Cannot be decoded"), t("The picture inside the file is damaged or of an unknown kind."), keep
        ),
        "file.hostile": ErrorTemplates(
            t("Unsafe file"), t("The file is built in a way that could harm this computer and was not opened."), keep
        ),
        "file.unreadable": ErrorTemplates(
            t("Cannot be read"), t("The file could not be read as what it seems to be."), keep
        ),
        "file.corrupt": ErrorTemplates(
            t("File has changed"),
            t("The stored file no longer has the bytes that were imported."),
            t("Restore it from a backup; the check lists every such file."),
        ),
        "file.missing": ErrorTemplates(
            t("File not found"),
            t("The file is not where it should be."),
            t("If it lies on a network drive or a stick, connect it and try again."),
        ),
        "file.permission": ErrorTemplates(
            t("No permission"), t("This account may not read the file."), t("Ask whoever looks after this computer.")
        ),
        "file.changed": ErrorTemplates(
            t("File changed meanwhile"), t("The file changed while it was being read."), t("Import it again.")
        ),
    }
