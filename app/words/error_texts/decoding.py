"""Words for errors about decoding pictures and archives."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "decoder.died": ErrorTemplates(
            t("Cannot be decoded"), t("Reading this file made the decoder stop; the program was not affected.")
        ),
        "decoder.unavailable": ErrorTemplates(
            t("Images cannot be read"),
            t("The part of the program that reads images does not start or stops at every file."),
            t("Restart the program and import again. If this stays, free memory or install Bitewing again."),
        ),
        "decoder.timeout": ErrorTemplates(
            t("Takes too long"),
            t("Reading this file took longer than {seconds} seconds and was stopped."),
            "",
            t("Reading this file took too long and was stopped."),
        ),
        "decoder.memory": ErrorTemplates(
            t("Needs too much memory"), t("Reading this file would need more memory than is allowed.")
        ),
        "decoder.closed": ErrorTemplates(t("Closing"), t("The program is closing and opens no more files.")),
        "dicom.no_pixels": ErrorTemplates(
            t("No picture inside"), t("The file is {content}; it has no picture to show.")
        ),
        "dicom.dicomdir": ErrorTemplates(
            t("Index of a disc"), t("The file is a DICOMDIR, the index of a disc; the files it lists are imported.")
        ),
        "dicom.outside_folder": ErrorTemplates(
            t("Points elsewhere"), t("The DICOMDIR names a file outside its own folder; it was not opened.")
        ),
        "photo.unsupported_format": ErrorTemplates(
            t("Unsupported format"),
            t("Pictures of the format {format} cannot be imported."),
            t("Save it as JPEG, PNG or TIFF and import that."),
            t("Pictures of this format cannot be imported."),
        ),
        "document.password": ErrorTemplates(
            t("Protected document"), t("The PDF is protected by a password and cannot be shown.")
        ),
        "frame.sizes_differ": ErrorTemplates(
            t("Pages differ"),
            t("The {frames} pages of this file have different sizes."),
            "",
            t("The pages of this file have different sizes."),
        ),
        "archive.bomb": ErrorTemplates(
            t("Unsafe archive"), t("The archive would unpack to far more than it is and was not opened.")
        ),
        "archive.damaged": ErrorTemplates(
            t("Damaged archive"), t("The archive is damaged or incomplete."), t("Fetch it again from its source.")
        ),
        "archive.encrypted": ErrorTemplates(
            t("Protected archive"),
            t("The archive is protected by a password."),
            t("Unpack it yourself, then import the folder."),
        ),
        "archive.member_damaged": ErrorTemplates(
            t("Damaged in the archive"), t("This file is damaged inside its archive (its checksum is wrong).")
        ),
        "archive.nested": ErrorTemplates(
            t("Archive in an archive"),
            t("An archive inside an archive is not opened."),
            t("Unpack the outer one, then import the folder."),
        ),
        "archive.too_many": ErrorTemplates(t("Too many files"), t("The archive holds more files than are allowed.")),
    }
